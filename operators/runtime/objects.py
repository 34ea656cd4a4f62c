"""Objects as the API server sends them: plain dicts, their keys and their versions."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from controllers.plan import FINALIZER, Meta

Obj = dict[str, Any]

Trim = Callable[[Obj], Obj]
"""Makes of an object as it was sent a copy that holds what is kept of it."""

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


def older(peers: Iterable[Obj], meta: Meta) -> str | None:
    """The name of the oldest of the peers, where that is another object than ``meta`` is of.

    Of those made in the same second the first by name is the oldest.
    """
    made = [
        (one["metadata"].get("creationTimestamp", ""), one["metadata"]["name"]) for one in peers
    ]
    oldest = min(made, default=(meta.created, meta.name))
    return None if oldest >= (meta.created, meta.name) else oldest[1]


def version_of(obj: Obj) -> int:
    """The resourceVersion as the number it is; 0 where there is none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def slim(obj: Obj) -> Obj:
    """A copy for keeping: less than half the memory of what a watch brought.

    Without ``managedFields``, which nobody reads here, and with names and short values, which are
    much the same in all objects, held once.
    """
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    kept: Obj = shared({**obj, "metadata": meta})
    return kept


def shared(value: Any) -> Any:
    """A copy whose names and short texts are held once, however many objects have them."""
    if isinstance(value, dict):
        return {sys.intern(key): shared(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shared(inner) for inner in value]
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
