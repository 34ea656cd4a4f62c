"""Turns a pydantic model into the structural schema that the API server accepts."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

_ORDER = (
    *("description", "type", "default", "enum", "pattern", "minLength", "maxLength"),
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    *("x-kubernetes-validations", "required", "properties", "items", "additionalProperties"),
)
_BELOW = {"items", "additionalProperties"}
_NOISE = {"title", "examples", "$defs", "x-meanings"}
_WIRE_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class UntranslatableError(Exception):
    """A model says something that a CustomResourceDefinition cannot; the message says where."""


def structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """The schema of a model: references inlined, no nulls, every key one that the server knows.

    Without ``defaults`` they are left out, as in a status, which only its writer fills.
    Raises UntranslatableError for what has no structural form: unions, recursion, unknown keys, and
    a default that is not in its wire form.
    """
    raw = model.model_json_schema(schema_generator=_KubernetesSchema)
    return _Translation(raw.get("$defs", {}), defaults).node(raw, model.__name__)


def meanings(enum: type[Enum]) -> dict[str, str]:
    """The sentence under each member of an enum that has one, by the member's value."""
    found: dict[str, str] = {}
    body = ast.parse(inspect.getsource(enum)).body[0]
    member = ""
    for statement in body.body if isinstance(body, ast.ClassDef) else ():
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                member = name
            case ast.Expr(value=ast.Constant(value=str(text))) if member:
                found[enum[member].value] = text
            case _:
                member = ""
    return found


class _KubernetesSchema(GenerateJsonSchema):
    """Pydantic's own schema, less what Kubernetes says in another way."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # The server prunes nulls, so "may be null" and "may be absent" are one thing.
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        said = super().default_schema(schema)
        return {k: v for k, v in said.items() if k != "default" or v is not None}

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return {**super().enum_schema(schema), "x-meanings": meanings(schema["cls"])}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        said = super().literal_schema(schema)
        if "const" in said:
            said["enum"] = [said.pop("const")]
        return said


@dataclass(frozen=True)
class _Translation:
    """One walk over a model's schema."""

    definitions: Mapping[str, Schema]
    defaults: bool

    def node(self, raw: Schema, where: str, above: tuple[str, ...] = ()) -> Schema:
        """One node and what is below it, ``above`` being the definitions it lies in."""
        while "$ref" in raw:
            name = raw["$ref"].rsplit("/", maxsplit=1)[-1]
            if name in above:
                raise UntranslatableError(f"{where}: {name} contains itself")
            above = (*above, name)
            raw = {**self.definitions[name], **{k: v for k, v in raw.items() if k != "$ref"}}
        out = self._leaf(raw, where)
        if "type" not in out:
            raise UntranslatableError(f"{where} has no type")
        if "properties" in raw:
            out["properties"] = {
                name: self.node(part, f"{where}.{name}", above)
                for name, part in raw["properties"].items()
            }
        for key in _BELOW & raw.keys():
            if not isinstance(raw[key], dict):
                raise UntranslatableError(f"{where}: {key} must be a schema")
            out[key] = self.node(raw[key], f"{where}[]", above)
        return {key: out[key] for key in _ORDER if out.get(key) not in (None, {})}

    def _leaf(self, raw: Schema, where: str) -> Schema:
        out: Schema = {}
        for key in raw.keys() - _NOISE - _BELOW - {"properties"}:
            value = raw[key]
            if key not in _ORDER:
                raise UntranslatableError(f"{where}: {key} has no place in a structural schema")
            if key == "description":
                out[key] = _sentence(value, raw)
            elif key.startswith("exclusive"):
                out |= {key: True, key.removeprefix("exclusive").lower(): value}
            elif key != "default":
                out[key] = value
            elif self.defaults:
                out[key] = _wire_default(value, raw, where)
        return out


def _sentence(text: str, raw: Schema) -> str:
    known = raw.get("x-meanings", {})
    members = [f"{name}: {known[name]}" for name in raw.get("enum", ()) if name in known]
    return " ".join(" ".join([text, *members]).replace("``", "`").split())


def _wire_default(value: Any, raw: Schema, where: str) -> Any:
    right = isinstance(value, _WIRE_TYPES.get(raw.get("type", ""), ()))
    if not right or isinstance(value, bool) != (raw.get("type") == "boolean"):
        raise UntranslatableError(
            f"{where}: the default {value!r} is not what the wire has, a {raw.get('type')}"
        )
    return _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    return value
