"""Two schemas are compared by what they let be said, and nothing else."""

import pytest

from controllers.api import KINDS
from controllers.api.base import Crd
from hack.generate.crd import schema
from operators.runtime import facts
from tests.operators.toy import ToySpec


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_the_crd_of_the_checkout_says_what_its_model_says(crd: Crd, part: str) -> None:
    model = crd.spec if part == "spec" else crd.status
    assert facts.of_schema(schema(crd)["properties"][part]) == facts.of_model(model)


def test_every_field_and_every_word_has_its_path() -> None:
    said = facts.of_schema({
        "properties": {
            "phase": {"type": "string", "enum": ["Paused", "Done"]},
            "steps": {"type": "array", "items": {"properties": {"weight": {"type": "integer"}}}},
            "labels": {"additionalProperties": {"properties": {"key": {}}}},
        }
    })  # fmt: skip
    assert said == {
        ".phase", ".phase=Paused", ".phase=Done", ".steps", ".steps[].weight", ".labels",
        ".labels{}.key",
    }  # fmt: skip


def test_only_the_top_of_what_is_missing_is_named() -> None:
    wanted = frozenset({".a", ".a.b", ".a.b[].c", ".phase", ".phase=Done", ".ab"})
    assert facts.lacking(wanted, frozenset({".ab", ".phase"})) == [".a", ".phase=Done"]
    assert facts.lacking(wanted, wanted | {".more"}) == []


def test_a_part_that_takes_anything_lacks_nothing() -> None:
    anything = facts.of_schema({"x-kubernetes-preserve-unknown-fields": True})
    assert facts.lacking(facts.of_model(ToySpec), anything) == []
