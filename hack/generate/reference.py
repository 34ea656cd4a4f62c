"""Renders the reference page of a kind: its fields, rules, conditions, annotations, examples."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from controllers.api.base import GROUP, VERSION, Crd, Decimal, Label
from hack.generate.crd import schema
from hack.generate.structural import Schema
from hack.generate.text import NOTICE, table, to_yaml

_DECIMAL, _LABEL = (TypeAdapter(kind).json_schema()["pattern"] for kind in (Decimal, Label))


def render(crd: Crd) -> str:
    """The page as Markdown."""
    whole = schema(crd)
    short = ", ".join(f"`{name}`" for name in crd.short_names)
    parts = [
        f"<!-- {NOTICE} -->\n# {crd.kind}\n",
        f"{crd.description}\n\n"
        f"API `{GROUP}/{VERSION}`, namespaced; `kubectl get {crd.plural}`, in short {short}.\n",
        "## Spec\n" + _fields(whole["properties"]["spec"], "spec"),
        "## What the API server refuses\n" + _refusals(whole),
        "## Status\n" + _fields(whole["properties"]["status"], "status", written=False),
        "## Conditions\n" + _meanings("Condition", "True means", crd.conditions),
        "## Annotations\n" + _meanings("Annotation", "Meaning", crd.annotations),
        "## Examples\n" + "\n".join(_example(crd, *named) for named in crd.examples.items()),
    ]
    return "\n".join(parts)


def manifest(crd: Crd, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """An object of the kind with that spec, as a user would write it."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": crd.kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def validations(node: Schema) -> Iterator[Mapping[str, str]]:
    """Every CEL rule of a schema with its message, from the top down."""
    yield from node.get("x-kubernetes-validations", ())
    for _, part in _children(node):
        yield from validations(part)


def _children(node: Schema) -> Iterator[tuple[str, Schema]]:
    for name, part in node.get("properties", {}).items():
        yield f".{name}", part
    if "items" in node:
        yield "[]", node["items"]
    if "additionalProperties" in node:
        yield ".*", node["additionalProperties"]


def _fields(node: Schema, path: str, *, written: bool = True) -> str:
    head = ("Field", "Type", "Default", "Meaning") if written else ("Field", "Type", "Meaning")
    rows = []
    for name, part, required in _rows(node, path):
        default = "required" if required else _default(part)
        meaning = part.get("description", "")
        cells = (f"`{name}`", _type(part))
        rows.append((*cells, default, meaning) if written else (*cells, meaning))
    return table(head, rows)


def _rows(node: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """Every field below a schema but the elements of lists, which are told by the list itself."""
    for step, part in _children(node):
        inner = path + step
        if step.startswith(".") and step != ".*":
            yield inner, part, step[1:] in node.get("required", ())
        yield from _rows(part, inner)


def _default(part: Schema) -> str:
    value = part.get("default")
    if value is None:
        return ""
    return "as below" if isinstance(value, dict) else f"`{json.dumps(value)}`"


def _type(part: Schema) -> str:
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    if part["type"] == "array":
        least, most = part.get("minItems", 0), part["maxItems"]
        count = f"{least}" if least == most else f"{least} to {most}"
        return f"list of {count}: {_type(part['items'])}"
    if part["type"] == "object" and "additionalProperties" in part:
        return f"map of at most {part['maxProperties']}: {_type(part['additionalProperties'])}"
    pattern = part.get("pattern", "")
    if "(h|m|s" in pattern:
        return "duration"
    named = {_DECIMAL: "decimal", _LABEL: "DNS label"}
    return str(named.get(pattern, part["type"])) + _bounds(part)


def _bounds(part: Schema) -> str:
    least, most = part.get("minimum"), part.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least else ""


def _refusals(node: Schema) -> str:
    told = "".join(f"- {rule['message']}\n" for rule in validations(node))
    return f"Beside what the types above say, and fields that are not listed there:\n\n{told}"


def _meanings(head: str, tells: str, meanings: Mapping[str, str]) -> str:
    return table((head, tells), [(f"`{name}`", text) for name, text in meanings.items()])


def _example(crd: Crd, name: str, spec: Mapping[str, Any]) -> str:
    return f"{name.capitalize()}:\n\n```yaml\n{to_yaml(manifest(crd, 'fraud', spec))}```\n"
