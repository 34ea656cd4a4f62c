"""The autoscalers of the benchmark, their Deployments and pods, each derived from its number."""

from datetime import UTC, datetime
from typing import Any

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.plan import Resource
from hack.bench.runtime.objects import INTERVAL, NAMESPACES, many, namespace
from operators.runtime.errors import Conflict
from operators.runtime.gateway import KubeGateway
from operators.runtime.objects import Key, Obj
from operators.runtime.resources import DEPLOYMENT, POD, REPLICA_SET

AUTOSCALERS = INFERENCEAUTOSCALER.resource
PORT = 8000
RATE = 20.0
"""Requests per second that one replica answers."""
QUEUES = 5
"""One autoscaler in so many reads the queue of its pods too."""
_NAMESPACE = Resource("", "v1", "namespaces", "Namespace")
_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
_HASH = "5d4f7c9b8"


def key(number: int) -> Key:
    """The namespace and name of an autoscaler, and of its Deployment."""
    return Key(f"team-{number % NAMESPACES}", f"llm-{number:04d}")


def cluster_name(number: int) -> str:
    """Envoy's name for the service in front of a Deployment."""
    place, name = key(number)
    return f"outbound|{PORT}||{name}.{place}.svc.cluster.local"


def replicas(number: int) -> int:
    """Two or three."""
    return 2 + number % 2


def pods(number: int) -> list[str]:
    """The names of its pods."""
    return [f"{key(number).name}-{_HASH}-{place:05d}" for place in range(replicas(number))]


def autoscaler(number: int) -> dict[str, Any]:
    """One with a demand and a concurrency that Envoy counts, and some with vLLM's queue."""
    signals = [
        {"name": "demand", "role": "Demand", "preset": "Envoy"},
        {"name": "in-flight", "role": "Concurrency", "preset": "Envoy"},
    ]
    if number % QUEUES == 0:
        signals.append({"name": "queue", "role": "Backlog", "preset": "Vllm"})
    name = key(number).name
    return {
        "apiVersion": AUTOSCALERS.api_version,
        "kind": AUTOSCALERS.kind,
        "metadata": {"name": name},
        "spec": {
            "targetRef": {"name": name},
            "service": {"host": name, "port": PORT},
            "minReplicas": replicas(number),
            "maxReplicas": 40,
            "signals": signals,
            "capacity": {"requestsPerSecond": f"{RATE:g}", "concurrency": 16},
            "analysis": {"interval": f"{INTERVAL}s", "scrapeInterval": f"{INTERVAL}s"},
        },
    }


def deployment(number: int) -> dict[str, Any]:
    """Its target."""
    return _workload(DEPLOYMENT, key(number).name, number)


async def create(gateway: KubeGateway, count: int) -> None:
    """Namespaces, Deployments with ReplicaSet and ready pods, then the autoscalers.

    No controller runs that would make ReplicaSets and pods: they are made here, with the owners
    that it would give them.
    """

    async def place(number: int) -> None:
        name = key(number).namespace
        await _made(gateway, _NAMESPACE, "", namespace(name))
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await _made(gateway, _ACCOUNT, name, account)

    async def target(number: int) -> None:
        await _target(gateway, number)

    async def ours(number: int) -> None:
        await gateway.create(AUTOSCALERS, key(number).namespace, autoscaler(number))

    await many(place, range(min(count, NAMESPACES)))
    await many(target, range(count))
    await many(ours, range(count))


async def change(gateway: KubeGateway, *, text: str, number: int) -> Obj:
    """Gives one another window for what its status says of the SLO: nothing is decided by it."""
    patch = {"spec": {"slo": {"window": text}}}
    return await gateway.patch(AUTOSCALERS, *key(number), patch)


async def _target(gateway: KubeGateway, number: int) -> None:
    place, name = key(number)
    top = await _made(gateway, DEPLOYMENT, place, deployment(number))
    between = _workload(REPLICA_SET, f"{name}-{_HASH}", number, top)
    made = await _made(gateway, REPLICA_SET, place, between)
    for pod in pods(number):
        await _made(gateway, POD, place, _pod(pod, made))
        await gateway.patch(POD, place, pod, {"status": _ready()}, subresource="status")
    status = {"replicas": replicas(number), "readyReplicas": replicas(number)}
    await gateway.patch(DEPLOYMENT, place, name, {"status": status}, subresource="status")


async def _made(gateway: KubeGateway, kind: Resource, place: str, body: Obj) -> Obj:
    """The new object, or the one that an attempt has made whose answer came too late."""
    try:
        return await gateway.create(kind, place, body)
    except Conflict:
        return await gateway.get(kind, place, body["metadata"]["name"])


def _workload(
    kind: Resource, name: str, number: int, above: dict[str, Any] | None = None
) -> dict[str, Any]:
    labels = {"app": key(number).name}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "labels": labels, **_owned(above)},
        "spec": {
            "replicas": replicas(number),
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _CONTAINERS},
        },
    }


_CONTAINERS: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "containers": [{"name": "server", "image": "server", "resources": {}}],
}


def _pod(name: str, above: dict[str, Any]) -> dict[str, Any]:
    labels = {**above["spec"]["template"]["metadata"]["labels"], "pod-template-hash": _HASH}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, **_owned(above)},
        "spec": {**_CONTAINERS, "nodeName": "node"},
    }


def _owned(above: dict[str, Any] | None) -> dict[str, Any]:
    if above is None:
        return {}
    reference = {
        "apiVersion": above["apiVersion"],
        "kind": above["kind"],
        "name": above["metadata"]["name"],
        "uid": above["metadata"]["uid"],
        "controller": True,
    }
    return {"ownerReferences": [reference]}


def _ready() -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "phase": "Running",
        "conditions": [
            {"type": name, "status": "True", "lastTransitionTime": at}
            for name in ("PodScheduled", "Ready")
        ],
    }
