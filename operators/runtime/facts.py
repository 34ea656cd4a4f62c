"""What a schema lets be said, as a set: two versions of a kind are compared by it."""

from collections.abc import Iterator, Mapping
from typing import Any

from controllers.api.base import Model

Node = Mapping[str, Any]
ANY = "*"
"""Ends the path of a part that may hold anything."""


def of_model(model: type[Model]) -> frozenset[str]:
    """The paths of all fields of a model in wire names, and of all words that an enum allows.

    Such as ``.steps``, ``.steps[].weight`` and ``.phase=Promoted``.
    """
    raw = model.model_json_schema()
    return frozenset(_facts(raw, "", raw.get("$defs", {})))


def of_schema(schema: Node) -> frozenset[str]:
    """The same of a structural schema as an API server publishes it."""
    return frozenset(_facts(schema, "", {}))


def lacking(wanted: frozenset[str], given: frozenset[str]) -> list[str]:
    """What of the one is not in the other, without what lies below something that is not."""
    anything = tuple(path.removesuffix(ANY) for path in given if path.endswith(ANY))
    missing = {path for path in wanted - given if not path.startswith(anything)}
    return sorted(path for path in missing if not any(above in missing for above in _above(path)))


def _facts(node: Node, path: str, named: Node) -> Iterator[str]:
    if "$ref" in node:
        yield from _facts(named[node["$ref"].rpartition("/")[2]], path, named)
    for option in (*node.get("anyOf", ()), *node.get("allOf", ())):
        yield from _facts(option, path, named)
    for word in (*node.get("enum", ()), *([node["const"]] if "const" in node else ())):
        yield f"{path}={word}"
    if node.get("x-kubernetes-preserve-unknown-fields"):
        yield path + ANY
    for name, part in node.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from _facts(part, f"{path}.{name}", named)
    for key, step in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(key), Mapping):
            yield from _facts(node[key], path + step, named)


def _above(path: str) -> Iterator[str]:
    for place, letter in enumerate(path):
        if letter in ".[{=" and place:
            yield path[:place]
