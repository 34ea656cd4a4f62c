"""Which pods belong to a workload, and the workload of a pod, by who controls whom."""

from collections.abc import Iterable

from operators.runtime.objects import Obj
from operators.runtime.resources import POD, REPLICA_SET
from operators.runtime.world import World

BY_OWNER = "owner"
"""The index of pods and ReplicaSets that the functions here need: ``{BY_OWNER: owner}``."""


def owner(obj: Obj) -> Iterable[tuple[str, str]]:
    """The namespace of an object and the uid of what controls it; nothing for one that is free."""
    meta = obj["metadata"]
    return [
        (meta.get("namespace", ""), one["uid"])
        for one in meta.get("ownerReferences") or ()
        if one.get("controller")
    ]


def pods_of(world: World, workload: Obj) -> list[Obj]:
    """The pods that a workload controls, itself or through ReplicaSets; to be read only."""
    meta = workload["metadata"]
    owners = [workload, *world.by(REPLICA_SET, BY_OWNER, (meta.get("namespace", ""), meta["uid"]))]
    return [
        pod
        for one in owners
        for pod in world.by(POD, BY_OWNER, (meta.get("namespace", ""), one["metadata"]["uid"]))
    ]


def workload_of(world: World, obj: Obj) -> tuple[str, str] | None:
    """Kind and name of the workload that controls a pod or ReplicaSet, or None.

    None too while the ReplicaSet in between is not known: its own event comes later.
    """
    meta = obj["metadata"]
    above = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), None)
    if above is None:
        return None
    if above["kind"] != REPLICA_SET.kind:
        return above["kind"], above["name"]
    between = world.get(REPLICA_SET, meta.get("namespace", ""), above["name"])
    if between is None or between["metadata"]["uid"] != above["uid"]:
        return None
    # A ReplicaSet that nobody controls is a workload of its own.
    return workload_of(world, between) or (above["kind"], above["name"])
