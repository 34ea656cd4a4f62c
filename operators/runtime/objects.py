"""Objects as the API server sends them: plain dicts, their keys and their versions."""

from typing import Any, NamedTuple

from controllers.plan import FINALIZER, Meta

Obj = dict[str, Any]


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
    """The object without ``managedFields``, which nobody reads here and which are half of it."""
    obj["metadata"].pop("managedFields", None)
    return obj


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
