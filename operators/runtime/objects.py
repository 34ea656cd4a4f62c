"""Objects as the API server sends them: plain dicts, their keys and their versions."""

import sys
from typing import Any, NamedTuple

from controllers.plan import FINALIZER, Meta

Obj = dict[str, Any]

SHORT = 24
"""The longest text that is likely to stand in many objects: a reason, a duration, a time."""


class Key(NamedTuple):
    """One object of a kind."""

    namespace: str
    name: str


def key_of(obj: Obj) -> Key:
    """The key of an object; cluster-wide ones have an empty namespace."""
    meta = obj["metadata"]
    return Key(meta.get("namespace", ""), meta["name"])


def version_of(obj: Obj) -> int:
    """The resourceVersion as the number it is; 0 where there is none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def slim(obj: Obj) -> Obj:
    """A copy for keeping: less than half the memory of what a watch brought.

    Without ``managedFields``, which nobody reads here, and with names and short values, which are
    much the same in all objects, held once.
    """
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    kept: Obj = _shared({**obj, "metadata": meta})
    return kept


def _shared(value: Any) -> Any:
    if isinstance(value, dict):
        return {sys.intern(key): _shared(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shared(inner) for inner in value]
    if isinstance(value, str) and len(value) <= SHORT:
        return sys.intern(value)
    return value


def meta_of(obj: Obj) -> Meta:
    """What a decision may know of an object's metadata."""
    meta = obj["metadata"]
    return Meta(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        created=meta.get("creationTimestamp", ""),
        annotations=meta.get("annotations") or {},
        deleting="deletionTimestamp" in meta,
        finalizer=FINALIZER in meta.get("finalizers", ()),
    )
