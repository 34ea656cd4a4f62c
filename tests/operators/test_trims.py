"""What is kept of foreign objects, who set their replicas, and who belongs to whom."""

import copy
import json
from typing import Any

import pytest

from controllers.plan import Resource
from operators.runtime import wakes
from operators.runtime.kind import Watch
from operators.runtime.objects import Key, Obj, Trim, slim
from operators.runtime.owned import BY_OWNER, owner, pods_of, workload_of
from operators.runtime.process import _watched
from operators.runtime.queue import Queue
from operators.runtime.resources import DEPLOYMENT, POD, REPLICA_SET, STATEFUL_SET, resource
from operators.runtime.store import Store
from operators.runtime.trims import MANAGER, pod, replica_set, workload
from operators.runtime.world import World
from tests.operators.bench import TOYS
from tests.operators.toy import CONFIG_MAP, TOY


def _owner(kind: str, name: str, controller: bool = True) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": name,
        "uid": f"uid-{name}",
        "controller": controller,
        "blockOwnerDeletion": True,
    }


def _object(kind: str, name: str, *owners: dict[str, Any], **more: Any) -> Obj:
    meta: Obj = {"namespace": "n", "name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    meta |= {"ownerReferences": list(owners)} if owners else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **more}


POD_AS_SENT = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "namespace": "n",
        "name": "llm-5d9c7b6f4-abcde",
        "generateName": "llm-5d9c7b6f4-",
        "uid": "u1",
        "resourceVersion": "12",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "llm", "pod-template-hash": "5d9c7b6f4"},
        "annotations": {"modelyard.dev/started": "1", "cni.example/ip": "10.0.0.1"},
        "ownerReferences": [_owner("Job", "j", controller=False), _owner("ReplicaSet", "llm-5d")],
        "managedFields": [{"manager": "kubelet"}],
    },
    "spec": {"nodeName": "gpu-7", "containers": [{"name": "server", "image": "x" * 80}]},
    "status": {
        "phase": "Pending",
        "podIP": "10.0.0.1",
        "conditions": [
            {"type": "Initialized", "status": "True"},
            {
                "type": "Ready", "status": "False", "reason": "ContainersNotReady",
                "lastTransitionTime": "2026-01-01T00:00:01Z", "lastProbeTime": None,
            },
            {
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            },
        ],
        "containerStatuses": [
            {
                "name": "server", "restartCount": 4, "image": "x" * 80, "ready": False,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
            },
            {"name": "proxy", "restartCount": 0, "state": {"running": {"startedAt": "x"}}},
        ],
    },
}  # fmt: skip


def test_of_a_pod_it_is_kept_whose_it_is_where_and_how_far_it_has_come() -> None:
    sent = copy.deepcopy(POD_AS_SENT)
    kept = pod(sent)
    assert sent == POD_AS_SENT
    assert kept == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "n",
            "name": "llm-5d9c7b6f4-abcde",
            "uid": "u1",
            "resourceVersion": "12",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": "llm", "pod-template-hash": "5d9c7b6f4"},
            "annotations": {"modelyard.dev/started": "1"},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": "llm-5d", "uid": "uid-llm-5d", "controller": True}
            ],
        },
        "spec": {"nodeName": "gpu-7"},
        "status": {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "Ready", "status": "False", "reason": "ContainersNotReady",
                    "lastTransitionTime": "2026-01-01T00:00:01Z",
                },
                {
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                },
            ],
            "containerStatuses": [
                {
                    "name": "server", "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                },
                {"name": "proxy", "restartCount": 0},
            ],
        },
    }  # fmt: skip


def test_a_pod_that_was_just_made_and_one_that_is_going_are_kept_too() -> None:
    bare = pod(_object("Pod", "a"))
    assert bare["status"] == {"conditions": [], "containerStatuses": []}
    going = _object("Pod", "a")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod(going)["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"


def _managed(*entries: tuple[str, str, str, dict[str, Any]]) -> Obj:
    managed = [
        {"manager": manager, "time": at, "subresource": part, "fieldsV1": fields}
        for manager, at, part, fields in entries
    ]
    found = _object("Deployment", "llm", spec={"replicas": 3})
    found["metadata"]["managedFields"] = managed
    return found


REPLICAS: Obj = {"f:spec": {"f:replicas": {}}}
TEMPLATE: Obj = {"f:spec": {"f:template": {}}}


@pytest.mark.parametrize(
    ("entries", "manager"),
    [
        ([], ""),
        ([("kubectl", "2026-01-01T00:00:00Z", "", TEMPLATE)], ""),
        ([("kubectl", "2026-01-01T00:00:00Z", "", REPLICAS)], "kubectl"),
        (
            [
                ("modelyard", "2026-01-01T00:00:09Z", "scale", REPLICAS),
                ("kubectl", "2026-01-01T00:00:00Z", "", REPLICAS),
                ("argocd", "2026-01-02T00:00:00Z", "", TEMPLATE),
            ],
            "modelyard",
        ),
        (
            [
                ("a", "2026-01-01T00:00:00Z", "", REPLICAS),
                ("b", "2026-01-01T00:00:00Z", "scale", REPLICAS),
            ],
            "b",
        ),
    ],
)
def test_a_workload_says_who_last_set_its_replicas(
    entries: list[tuple[str, str, str, dict[str, Any]]], manager: str
) -> None:
    kept = workload(_managed(*entries))
    assert kept[MANAGER] == manager
    assert "managedFields" not in kept["metadata"]


def test_of_a_pod_template_its_labels_are_kept_and_a_digest_that_any_change_changes() -> None:
    def deployment(image: str) -> Obj:
        template = {"metadata": {"labels": {"app": "llm"}}, "spec": {"image": image}}
        return _object("Deployment", "llm", spec={"replicas": 3, "template": template})

    one, same, other = (workload(deployment(image)) for image in ("a", "a", "b"))
    assert one["spec"]["replicas"] == 3
    assert one["spec"]["template"]["metadata"] == {"labels": {"app": "llm"}}
    assert set(one["spec"]["template"]) == {"metadata", "digest"}
    assert one["spec"]["template"] == same["spec"]["template"]
    assert one["spec"]["template"]["digest"] != other["spec"]["template"]["digest"]


def test_the_copy_of_the_manifest_that_kubectl_leaves_is_not_kept() -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    sent = _object("Deployment", "llm", status={"readyReplicas": 2})
    sent["metadata"]["annotations"] = {name: json.dumps(sent), "mine": "1"}
    kept = workload(sent)
    assert kept["metadata"]["annotations"] == {"mine": "1"}
    assert kept["status"] == {"readyReplicas": 2}
    assert name in sent["metadata"]["annotations"]


def _world(trims: dict[Resource, Trim], *objects: tuple[Resource, Obj]) -> World:
    stores = {at: Store(at, trim) for at, trim in trims.items()}
    for at, store in stores.items():
        store.index(BY_OWNER, owner)
        store.replace([store.keep(obj) for of, obj in objects if of == at], 100)
    return World(stores)


def test_pods_of_a_workload_are_its_own_and_those_of_its_replica_sets() -> None:
    deployment, stateful = _object("Deployment", "llm"), _object("StatefulSet", "db")
    world = _world(
        {POD: pod, REPLICA_SET: replica_set},
        (REPLICA_SET, _object("ReplicaSet", "llm-1", _owner("Deployment", "llm"))),
        (REPLICA_SET, _object("ReplicaSet", "llm-2", _owner("Deployment", "llm"))),
        (REPLICA_SET, _object("ReplicaSet", "free")),
        (POD, _object("Pod", "a", _owner("ReplicaSet", "llm-1"))),
        (POD, _object("Pod", "b", _owner("ReplicaSet", "llm-2"))),
        (POD, _object("Pod", "c", _owner("StatefulSet", "db"))),
        (POD, _object("Pod", "d", _owner("ReplicaSet", "free"))),
        (POD, _object("Pod", "e", _owner("ReplicaSet", "not-listed-yet"))),
        (POD, _object("Pod", "f")),
    )
    assert sorted(one["metadata"]["name"] for one in pods_of(world, deployment)) == ["a", "b"]
    assert [one["metadata"]["name"] for one in pods_of(world, stateful)] == ["c"]
    found = {one["metadata"]["name"]: workload_of(world, one) for one in world.store(POD).objects()}
    assert found == {
        "a": ("Deployment", "llm"),
        "b": ("Deployment", "llm"),
        "c": ("StatefulSet", "db"),
        "d": ("ReplicaSet", "free"),
        "e": None,
        "f": None,
    }


def _kind(*watches: Watch) -> Any:
    return type("Kind", (), {"api": TOY.api, "watches": watches, "indices": {}})


def _nobody(*_: Any) -> list[Key]:
    return []


def test_a_watch_says_what_is_kept_and_two_that_do_not_agree_are_refused() -> None:
    kinds = [_kind(Watch(POD, _nobody, pod)), _kind(Watch(POD, _nobody, pod), Watch(TOYS, _nobody))]
    assert _watched(kinds) == {POD: pod}
    kinds.append(_kind(Watch(POD, _nobody)))
    with pytest.raises(ValueError, match="two watches keep different parts of pods"):
        _watched(kinds)


def test_a_watch_names_indices_and_two_may_share_one_that_means_the_same() -> None:
    world = World({TOYS: Store(TOYS), POD: Store(POD), CONFIG_MAP: Store(CONFIG_MAP)})
    watch = Watch(POD, _nobody, indices={BY_OWNER: owner})
    for kind in (_kind(watch), _kind(watch)):
        wakes.connect(kind, world, Queue(lambda: 0.0, lambda: 0.0))
    world.store(POD).replace([_object("Pod", "a", _owner("StatefulSet", "db"))], 10)
    assert [one["metadata"]["name"] for one in world.by(POD, BY_OWNER, ("n", "uid-db"))] == ["a"]
    other = Watch(POD, _nobody, indices={BY_OWNER: lambda _: []})
    with pytest.raises(ValueError, match="two different indices 'owner' of pods"):
        wakes.connect(_kind(other), world, Queue(lambda: 0.0, lambda: 0.0))


def test_a_store_keeps_what_its_trim_says_however_an_object_comes() -> None:
    store = Store(POD, pod)
    store.replace([store.keep(copy.deepcopy(POD_AS_SENT))], 20)
    listed = store.get("n", "llm-5d9c7b6f4-abcde")
    newer = copy.deepcopy(POD_AS_SENT)
    newer["metadata"] |= {"resourceVersion": "13"}  # type: ignore[operator]
    store.apply(newer)
    followed = store.get("n", "llm-5d9c7b6f4-abcde")
    assert listed == pod(POD_AS_SENT)
    assert followed == pod(newer)
    assert slim(newer) != followed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("deployments.apps", DEPLOYMENT),
        ("statefulsets.apps", STATEFUL_SET),
        (
            "rollouts.v1alpha1.argoproj.io=Rollout",
            Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout"),
        ),
    ],
)
def test_a_kind_is_named_in_short_or_in_full(text: str, found: Resource) -> None:
    assert resource(text) == found


@pytest.mark.parametrize("text", ["deployments", "rollouts.argoproj.io", "Deployment", ""])
def test_a_name_that_says_too_little_is_refused_with_what_is_wanted(text: str) -> None:
    with pytest.raises(ValueError, match=r"plural\.version\.group=Kind"):
        resource(text)
