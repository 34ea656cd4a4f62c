"""What every kind promises: its examples and defaults hold, and its status survives the wire."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from controllers.api import KINDS
from controllers.api.base import Crd, go_duration
from hack.generate.structural import Schema, structural

EXAMPLES = [(crd, name) for crd in KINDS for name in crd.examples]
INSTANTS = st.integers(0, 2**32).map(lambda s: datetime.fromtimestamp(s, UTC).isoformat())
DURATIONS = st.integers(0, 10**9).map(lambda millis: go_duration(millis / 1000))


@pytest.mark.parametrize(("crd", "name"), EXAMPLES, ids=lambda part: getattr(part, "kind", part))
def test_an_example_is_valid_and_says_the_same_after_a_round_trip(crd: Crd, name: str) -> None:
    given_spec = crd.examples[name]
    spec = crd.spec.model_validate(given_spec)
    assert crd.spec.model_validate(spec.wire()) == spec
    assert _less(spec.wire(), given_spec), "a field of the example is unknown to the model"


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_one_example_shows_every_field_of_the_spec(crd: Crd) -> None:
    shown = {path for spec in crd.examples.values() for path in _paths(spec)}
    assert {f".{name}" for name in _aliases(crd.spec)} <= shown


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_defaults_are_valid_and_stay_as_they_are(crd: Crd) -> None:
    least = min(crd.examples.values(), key=len)
    wire = crd.spec.model_validate(least).wire()
    assert crd.spec.model_validate(wire).wire() == wire


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_a_new_object_has_an_empty_status(crd: Crd) -> None:
    assert crd.status.model_validate({}) == crd.status()
    assert crd.status.model_validate(crd.status().wire()) == crd.status()


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_columns_show_fields_that_exist(crd: Crd) -> None:
    known = {f".spec{p}" for p in _fields(crd.spec)} | {f".status{p}" for p in _fields(crd.status)}
    known |= {".metadata.creationTimestamp"}
    assert {column.path for column in crd.columns} <= known


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
@settings(max_examples=150)
@given(data=st.data())
def test_any_status_survives_the_wire(crd: Crd, data: st.DataObject) -> None:
    held = crd.status.model_validate(data.draw(_objects(structural(crd.status, defaults=False))))
    status = crd.status.model_validate(held.wire())  # decimals now have the digits they keep
    assert crd.status.model_validate(status.wire()) == status


def _less(whole: Any, part: Any) -> bool:
    """Whether everything in ``part`` is in ``whole``."""
    if isinstance(part, dict):
        return all(key in whole and _less(whole[key], inner) for key, inner in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(_less, whole, part))
    return bool(whole == part)


def _paths(value: Any, above: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{above}.{key}"
            yield from _paths(inner, f"{above}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{above}[]")


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _fields(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{above}.{field.alias or name}"
        yield path
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _fields(inner, path)


def _objects(schema: Schema) -> st.SearchStrategy[Any]:
    """Anything that the API server might hold by that schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            inner = _objects(schema["additionalProperties"])
            return st.dictionaries(st.text(max_size=8), inner, max_size=schema["maxProperties"])
        case "object":
            parts = {name: _objects(part) for name, part in schema.get("properties", {}).items()}
            must = {name: parts.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(must, optional=parts)
        case "array":
            return st.lists(_objects(schema["items"]), max_size=min(3, schema["maxItems"]))
        case "integer":
            return st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31))
        case "boolean":
            return st.booleans()
    return _text(schema)


def _text(schema: Schema) -> st.SearchStrategy[str]:
    pattern = schema.get("pattern", "")
    if "(h|m|s" in pattern:
        return DURATIONS
    if pattern:
        return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    # An instant and a time that is only passed on look alike on the wire.
    return INSTANTS if schema["maxLength"] == 40 else st.text(max_size=min(schema["maxLength"], 20))
