"""Generated files are what their source says, and every CRD keeps to the API conventions."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import Field

from controllers.api import KINDS
from controllers.api.base import Crd, Model
from hack.generate import files, rbac
from hack.generate.crd import definition
from hack.generate.structural import Schema, UntranslatableError, structural
from operators.runtime.rights import LEASE_RULES, Rule

THINGS = Rule(
    ("example.org",), ("things", "things/status"), ("get", "patch"), "to tend things", "a test"
)
TEND = {
    "apiGroups": ["example.org"],
    "resources": ["things", "things/status"],
    "verbs": ["get", "patch"],
}
RENDERED = files.render()
CRDS = {path: text for path, text in RENDERED.items() if path.startswith("crds/")}


class Colour(StrEnum):
    """A colour."""

    RED = "Red"
    """Like a rose."""
    BLUE = "Blue"


class Leaf(Model):
    """A leaf."""

    colour: Colour = Colour.RED
    """Its ``colour``."""


class Tree(Model):
    """A tree."""

    leaf: Leaf = Leaf()
    """The leaf it has."""
    height: Annotated[int, Field(gt=0)] | None = None
    """How high."""


class Union(Model):
    """Two types in one place."""

    port: int | str
    """A number or a name."""


class Endless(Model):
    """A model in itself."""

    inner: "Endless | None" = None
    """The next one."""


class WrongDefault(Model):
    """A default that the wire cannot have."""

    share: Annotated[float, Field(json_schema_extra={"type": "string"})] = 0.5
    """A share."""


@pytest.mark.parametrize("path", sorted(RENDERED))
def test_a_generated_file_is_what_its_source_says(path: str) -> None:
    assert (files.ROOT / path).read_text() == RENDERED[path], "run: make generate"


def test_generated_folders_hold_nothing_else() -> None:
    assert files.left_over(RENDERED) == []


def test_writing_makes_a_checkout_whole_and_takes_what_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "gone.yaml").write_text("")
    wanted = {"crds/kept.yaml": "a", "docs/reference/kept.md": "b"}
    assert files.stale(wanted, tmp_path) == ["crds/gone.yaml", *wanted]
    files.write(wanted, tmp_path)
    assert files.stale(wanted, tmp_path) == []
    assert not (tmp_path / "crds" / "gone.yaml").exists()


@pytest.mark.parametrize("path", sorted(CRDS))
def test_a_crd_fits_in_40_kib(path: str) -> None:
    assert len(CRDS[path].encode()) <= 40 * 1024


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_every_field_is_described_and_bounded(crd: Crd) -> None:
    assert [fault for path, node in _nodes(crd) for fault in _faults(path, node)] == []


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_a_refusal_names_a_field_in_one_line(crd: Crd) -> None:
    for path, node in _nodes(crd):
        for rule in node.get("x-kubernetes-validations", ()):
            assert "\n" not in rule["message"]
            assert re.match(r"(spec|metadata)\.\w+", rule["message"]), f"{path}: {rule['message']}"


def test_the_lint_finds_what_it_looks_for() -> None:
    bad: Schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": {"type": "string"}},
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "word": {"type": "string", "enum": ["lower"]},
        },
    }
    found = {fault for path, node in _below("spec", bad) for fault in _faults(path, node)}
    assert found == {
        "spec has no description",
        "spec.list has no description",
        "spec.list has no maxItems",
        "spec.list has no list type",
        "spec.list[] has no maxLength",
        "spec.map has no description",
        "spec.map has no maxProperties",
        "spec.word has no description",
        "spec.word: lower is not PascalCase",
    }


def test_a_model_becomes_structural() -> None:
    colour = {"description": "Its `colour`. Red: Like a rose.", "type": "string"}
    assert structural(Tree) == {
        "description": "A tree.",
        "type": "object",
        "properties": {
            "leaf": {
                "description": "The leaf it has.",
                "type": "object",
                "default": {"colour": "Red"},
                "properties": {"colour": {**colour, "default": "Red", "enum": ["Red", "Blue"]}},
            },
            "height": {
                "description": "How high.",
                "type": "integer",
                "minimum": 0,
                "exclusiveMinimum": True,
            },
        },
    }


def test_a_status_has_no_defaults() -> None:
    assert "default" not in yaml.safe_dump(structural(Tree, defaults=False))


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (Union, r"Union\.port: anyOf has no place"),
        (Endless, r"Endless contains itself"),
        (WrongDefault, r"WrongDefault\.share: the default 0\.5 is not what the wire has, a string"),
    ],
)
def test_what_has_no_structural_form_is_refused_with_its_place(
    model: type[Model], complaint: str
) -> None:
    with pytest.raises(UntranslatableError, match=complaint):
        structural(model)


def test_rights_are_granted_as_stated_and_leases_in_one_namespace_only() -> None:
    text = rbac.render([THINGS, *LEASE_RULES, THINGS])
    documents = {one["kind"]: one for one in yaml.safe_load_all(text)}
    assert documents["ClusterRole"]["rules"] == [TEND]
    assert documents["Role"]["metadata"]["namespace"] == "modelyard-system"
    assert [rule["resources"] for rule in documents["Role"]["rules"]] == [["leases"]]
    for binding in ("ClusterRoleBinding", "RoleBinding"):
        assert documents[binding]["subjects"] == [
            {"kind": "ServiceAccount", "name": "modelyard", "namespace": "modelyard-system"}
        ]
    assert "# to tend things\n- apiGroups:" in text


def test_for_one_namespace_all_rights_are_in_it_but_the_lease_beside_the_operator() -> None:
    found = rbac.objects([THINGS, *LEASE_RULES], "home", "served", "second")
    assert {one["kind"] for one in found} == {"ServiceAccount", "Role", "RoleBinding"}
    roles = {one["metadata"]["namespace"]: one for one in found if one["kind"] == "Role"}
    assert roles["served"]["rules"] == [TEND]
    assert [rule["resources"] for rule in roles["home"]["rules"]] == [["leases"]]
    for one in found:
        if one["kind"] == "RoleBinding":
            assert one["subjects"] == [
                {"kind": "ServiceAccount", "name": "second", "namespace": "home"}
            ]


def test_no_right_is_a_wildcard() -> None:
    for document in yaml.safe_load_all(RENDERED["deploy/rbac.yaml"]):
        for rule in document.get("rules", ()):
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


def _nodes(crd: Crd) -> Iterator[tuple[str, Schema]]:
    version = definition(crd)["spec"]["versions"][0]
    yield from _below("", version["schema"]["openAPIV3Schema"])


def _below(path: str, node: Schema) -> Iterator[tuple[str, Schema]]:
    yield path, node
    for name, part in node.get("properties", {}).items():
        yield from _below(f"{path}.{name}", part)
    for key, step in (("items", "[]"), ("additionalProperties", "{}")):
        if key in node:
            yield from _below(path + step, node[key])


def _faults(path: str, node: dict[str, Any]) -> Iterator[str]:
    if "description" not in node and not path.endswith(("[]", "{}")):
        yield f"{path} has no description"
    if node["type"] == "array" and "maxItems" not in node:
        yield f"{path} has no maxItems"
    if node["type"] == "array" and "x-kubernetes-list-type" not in node:
        yield f"{path} has no list type"
    if "additionalProperties" in node and "maxProperties" not in node:
        yield f"{path} has no maxProperties"
    if node["type"] == "string" and not {"maxLength", "enum"} & node.keys():
        yield f"{path} has no maxLength"
    for word in node.get("enum", ()):
        if not re.fullmatch(r"([A-Z][a-z0-9]*)+", word):
            yield f"{path}: {word} is not PascalCase"
