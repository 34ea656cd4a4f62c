"""Replicas set through ``/scale`` on a real API server: what is refused, kept and told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from operators.runtime.errors import Conflict
from operators.runtime.gateway import FIELD_MANAGER, KubeGateway
from operators.runtime.informer import Informer
from operators.runtime.objects import Obj
from operators.runtime.owned import BY_OWNER, owner, pods_of, workload_of
from operators.runtime.resources import DEPLOYMENT, POD, REPLICA_SET
from operators.runtime.store import Store
from operators.runtime.trims import MANAGER, pod, replica_set, workload
from operators.runtime.world import World
from tests.operators.bench import until

pytestmark = pytest.mark.cluster

LABELS = {"app": "llm"}


def _deployment(namespace: str) -> dict[str, Any]:
    container = {"name": "server", "image": "model.example/llm"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": "llm"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
        },
    }


@asynccontextmanager
async def _watching(cluster: Cluster, namespace: str) -> AsyncIterator[tuple[KubeGateway, World]]:
    """Caches of Deployments, ReplicaSets and pods, as a kind that scales has them."""
    gateway = await KubeGateway.connect(str(cluster.kubeconfig))
    stores = {
        at: Store(at, trim)
        for at, trim in ((DEPLOYMENT, workload), (REPLICA_SET, replica_set), (POD, pod))
    }
    for at in (REPLICA_SET, POD):
        stores[at].index(BY_OWNER, owner)
    tasks = [
        asyncio.create_task(Informer(gateway, store, namespace, lambda: 0.0).run())
        for store in stores.values()
    ]
    try:
        yield gateway, World(stores)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gateway.close()


def test_a_scale_is_refused_on_the_past_and_its_writer_is_known(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(2, gpus=8)
    cluster.apply(_deployment(namespace))

    async def story() -> None:
        async with _watching(cluster, namespace) as (gateway, world):

            def seen() -> Obj:
                return world.get(DEPLOYMENT, namespace, "llm") or {}

            async def scale(replicas: int, version: str) -> Obj:
                patch = {"spec": {"replicas": replicas}, "metadata": {"resourceVersion": version}}
                return await gateway.patch(DEPLOYMENT, namespace, "llm", patch, subresource="scale")

            await until(lambda: seen().get("status", {}).get("readyReplicas") == 1, 30)
            assert seen()[MANAGER] == "cluster"
            assert set(seen()["spec"]["template"]) == {"metadata", "digest"}
            await _come_to_rest(seen)
            before = seen()["metadata"]["resourceVersion"]
            answer = await scale(3, before)
            assert answer["kind"] == "Scale"
            await until(lambda: world.store(DEPLOYMENT).knows(answer), 10)
            assert (seen()["spec"]["replicas"], seen()[MANAGER]) == (3, FIELD_MANAGER)
            with pytest.raises(Conflict):
                await scale(1, before)
            assert len(await _ready(world, seen, 3)) == 3
            cluster.kubectl("scale", "-n", namespace, "deployment/llm", "--replicas=2")
            await until(lambda: seen()["spec"]["replicas"] == 2, 10)
            assert seen()[MANAGER] == "kubectl"
            await until(lambda: len(pods_of(world, seen())) == 2, 30)

    asyncio.run(story())


async def _come_to_rest(seen: Callable[[], Obj]) -> None:
    """Waits until its controller has written the last of its status."""
    for _ in range(20):
        version = seen()["metadata"]["resourceVersion"]
        await asyncio.sleep(1.0)
        if seen()["metadata"]["resourceVersion"] == version:
            return
    raise AssertionError("it did not come to rest")


async def _ready(world: World, seen: Callable[[], Obj], count: int) -> list[Obj]:
    def ready() -> list[Obj]:
        return [
            one
            for one in pods_of(world, seen())
            if any(
                said["type"] == "Ready" and said["status"] == "True" and said["lastTransitionTime"]
                for said in one["status"]["conditions"]
            )
        ]

    await until(lambda: len(ready()) == count, 30)
    assert {workload_of(world, one) for one in ready()} == {("Deployment", "llm")}
    assert all(one["spec"]["nodeName"] for one in ready())
    return ready()
