"""InferenceAutoscaler in the shell: what it watches and observes, and the API rights it takes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import (
    InferenceAutoscalerStatus,
    RevisionCapacity,
)
from controllers.api.modelcanary import MODELCANARY
from controllers.inferenceautoscaler import Seen, decide, needs, refuse
from controllers.inferenceautoscaler.seen import Pod, Share, Target
from controllers.modelcanary.turn import RUNNING
from controllers.plan import Meta, Resource
from controllers.readings import Answered, Query
from operators.inferenceautoscaler.background import Background
from operators.inferenceautoscaler.outlooks import Outlooks
from operators.modelcanary import BY_DEPLOYMENT, deployments
from operators.runtime.kind import Kind, Watch
from operators.runtime.objects import Key, Obj, key_of, older, slim
from operators.runtime.owned import BY_OWNER, owner, pods_of, workload_of
from operators.runtime.resources import POD, REPLICA_SET, resource
from operators.runtime.rights import STORY, Rule
from operators.runtime.settings import Settings
from operators.runtime.trims import MANAGER, pod, replica_set, workload
from operators.runtime.world import World

HPA = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECT = Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")

BY_TARGET = "target"

Place = tuple[str, str, str]
"""Namespace, kind and name of a workload."""


def autoscaler(
    settings: Settings,
) -> Kind[InferenceAutoscalerSpec, InferenceAutoscalerStatus, Seen]:
    """The kind, for the targets that the settings let it scale."""
    targets = tuple(resource(name) for name in settings.scale_targets)
    outlooks = Outlooks()
    background = Background(outlooks.make_one)

    def observe(
        world: World,
        meta: Meta,
        spec: InferenceAutoscalerSpec,
        status: InferenceAutoscalerStatus,
        answers: Mapping[Query, Answered],
        now: float,
    ) -> Seen:
        near, later = outlooks.look(meta, spec, status, answers, now)
        if outlooks.in_line:
            background.wake()
        seen = _observe(world, targets, meta, spec)
        return replace(seen, answers=answers, outlook=near, later=later)

    return Kind(
        api=INFERENCEAUTOSCALER,
        needs=needs,
        observe=observe,
        decide=decide,
        refuse=refuse,
        watches=(
            *(Watch(one, _scaled, workload) for one in targets),
            Watch(POD, _through_owner, pod, {BY_OWNER: owner}),
            Watch(REPLICA_SET, _through_owner, replica_set, {BY_OWNER: owner}),
            Watch(HPA, _named_by, slim, {BY_TARGET: _target_of}),
            Watch(SCALED_OBJECT, _named_by, slim, {BY_TARGET: _target_of}),
            Watch(MODELCANARY.resource, _arms, slim, {BY_DEPLOYMENT: deployments}),
            Watch(INFERENCEAUTOSCALER.resource, _named_by),
        ),
        indices={BY_TARGET: _target_of},
        rules=_rules(targets),
    )


def _observe(
    world: World, targets: tuple[Resource, ...], meta: Meta, spec: InferenceAutoscalerSpec
) -> Seen:
    ref = spec.target_ref
    place = (meta.namespace, ref.kind, ref.name)
    kind = next(
        (one for one in targets if (one.api_version, one.kind) == (ref.api_version, ref.kind)), None
    )
    if kind is None:
        allowed = ", ".join(f"{one.kind} ({one.api_version})" for one in targets)
        return Seen(None, refused=(
            f"{ref.kind} ({ref.api_version}) is none of the kinds that this operator may scale:"
            f" {allowed}; add it with --scale-targets"
        ))  # fmt: skip
    found = world.get(kind, meta.namespace, ref.name)
    canary = _canary(world, place)
    return Seen(
        target=None if found is None else _target(world, kind, found),
        unserved=world.unserved(kind) or world.unserved(POD),
        owner=_owner(world, place),
        holder=older(world.by(INFERENCEAUTOSCALER.resource, BY_TARGET, place), meta) or "",
        share=None if canary is None else _share(canary, ref.name),
        elsewhere=() if canary is None else _elsewhere(world, canary, ref.name),
    )


def _target(world: World, kind: Resource, obj: Obj) -> Target:
    spec = obj.get("spec", {})
    return Target(
        resource=kind,
        uid=obj["metadata"]["uid"],
        resource_version=obj["metadata"]["resourceVersion"],
        # The API server's own default, where a kind lets replicas be left out.
        replicas=int(spec.get("replicas", 1)),
        writer=obj.get(MANAGER, ""),
        revision=spec.get("template", {}).get("digest", ""),
        pods=tuple(_pod(one) for one in pods_of(world, obj) if not _ended(one)),
    )


def _pod(obj: Obj) -> Pod:
    meta, status = obj["metadata"], obj.get("status", {})
    said = {one["type"]: one for one in status.get("conditions", ())}
    ready = said.get("Ready", {})
    placed = said.get("PodScheduled", {})
    labels = meta.get("labels", {})
    return Pod(
        name=meta["name"],
        revision=labels.get("pod-template-hash", labels.get("controller-revision-hash", "")),
        created=_unix(meta["creationTimestamp"]),
        ready_at=(
            _unix(ready["lastTransitionTime"])
            if ready.get("status") == "True" and ready.get("lastTransitionTime")
            else None
        ),
        unplaced=(
            placed.get("message") or placed.get("reason") or "no node"
            if placed.get("status") == "False"
            else ""
        ),
        restarts=sum(
            int(one.get("restartCount", 0)) for one in status.get("containerStatuses", ())
        ),
        leaving="deletionTimestamp" in meta,
    )


def _ended(obj: Obj) -> bool:
    return obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _owner(world: World, place: Place) -> str:
    """What else scales the target; of KEDA's two objects the one that a person made."""
    for kind in (SCALED_OBJECT, HPA):
        if found := world.by(kind, BY_TARGET, place):
            return f"{kind.kind} {min(one['metadata']['name'] for one in found)}"
    return ""


def _canary(world: World, place: Place) -> Obj | None:
    """The oldest ModelCanary with the target as an arm."""
    namespace, kind, name = place
    if kind != "Deployment":
        return None
    found = world.by(MODELCANARY.resource, BY_DEPLOYMENT, (namespace, name))
    return min(
        found,
        key=lambda one: (one["metadata"].get("creationTimestamp", ""), one["metadata"]["name"]),
        default=None,
    )


def _share(canary: Obj, name: str) -> Share | None:
    """The target's part of a route that a ModelCanary moves, as the canary last saw the route."""
    status = canary.get("status") or {}
    weights, stable = status.get("weights"), status.get("stable")
    if not weights or not stable:
        return None
    arm = next(one["name"] for one in canary["spec"]["arms"] if one.get("deployment") == name)
    applied = float(weights["applied"]) / 100.0
    return Share(
        canary=canary["metadata"]["name"],
        run=int(status.get("run", 0)),
        running=status.get("phase") in RUNNING,
        stable=arm == stable["arm"],
        weight=applied if arm == weights["arm"] else 1.0 - applied,
    )


def _elsewhere(world: World, canary: Obj, name: str) -> tuple[RevisionCapacity, ...]:
    """What the autoscaler of the other arm has learned: the same model server, most likely."""
    others = [place for place in deployments(canary) if place[1] != name]
    return tuple(
        RevisionCapacity.model_validate(learned)
        for namespace, other in others
        for one in world.by(
            INFERENCEAUTOSCALER.resource, BY_TARGET, (namespace, "Deployment", other)
        )
        for learned in one.get("status", {}).get("capacity", {}).get("revisions", ())
    )


def _target_of(obj: Obj) -> Iterable[Place]:
    """What an autoscaler of any sort scales; nobody's where a half-written spec does not say."""
    spec: Mapping[str, Any] = obj.get("spec", {})
    ref = spec.get("targetRef") or spec.get("scaleTargetRef") or {}
    if not ref.get("name"):
        return []
    return [(obj["metadata"].get("namespace", ""), ref.get("kind", "Deployment"), ref["name"])]


def _of(world: World, place: Place) -> Iterable[Key]:
    return [key_of(one) for one in world.by(INFERENCEAUTOSCALER.resource, BY_TARGET, place)]


def _scaled(world: World, target: Obj) -> Iterable[Key]:
    """Wake the autoscalers of a target that changed."""
    meta = target["metadata"]
    return _of(world, (meta.get("namespace", ""), target["kind"], meta["name"]))


def _through_owner(world: World, changed: Obj) -> Iterable[Key]:
    """Wake the autoscalers of the target that a pod, or the ReplicaSet in between, is of."""
    found = workload_of(world, changed)
    if found is None:
        return []
    return _of(world, (changed["metadata"].get("namespace", ""), *found))


def _named_by(world: World, changed: Obj) -> Iterable[Key]:
    """Wake the autoscalers of what another one, of any sort, scales too."""
    return [key for place in _target_of(changed) for key in _of(world, place)]


def _arms(world: World, canary: Obj) -> Iterable[Key]:
    """Wake the autoscalers of the arms of a canary."""
    return [
        key
        for namespace, name in deployments(canary)
        for key in _of(world, (namespace, "Deployment", name))
    ]


_PODS = (
    "tests/cluster/test_autoscaler_pods.py::"
    "test_replicas_without_a_gpu_are_said_to_find_no_node_and_come_when_there_is_one"
)
_TAKEN = (
    "tests/cluster/test_autoscaler_others.py::"
    "test_a_target_of_an_hpa_or_a_scaled_object_made_later_is_left_to_it_until_it_is_gone"
)
_BESIDE = (
    "tests/cluster/test_autoscaler_beside.py::"
    "test_while_a_canary_runs_its_stable_arm_keeps_the_replicas_that_it_began_with"
)


def _rules(targets: tuple[Resource, ...]) -> tuple[Rule, ...]:
    sees = ("list", "watch")
    scaled = tuple(
        rule
        for one in targets
        for rule in (
            Rule((one.group,), (one.plural,), sees, "how many replicas there are", STORY),
            Rule(
                (one.group,),
                (f"{one.plural}/scale",),
                ("patch",),
                "the one thing that is changed",
                STORY,
            ),
        )
    )
    others = (
        (POD, "which replicas are ready, and since when", _PODS),
        (REPLICA_SET, "whose a pod is", _PODS),
        (HPA, "whether another one scales the target", _TAKEN),
        (SCALED_OBJECT, "the same of KEDA", _TAKEN),
        (MODELCANARY.resource, "how a route's traffic is shared", _BESIDE),
    )
    return (
        *scaled,
        *(Rule((one.group,), (one.plural,), sees, why, shown) for one, why, shown in others),
    )
