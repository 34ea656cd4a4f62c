"""The canaries of the benchmark and their routes, each derived from its number."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from controllers.api.modelcanary import MODELCANARY
from controllers.plan import Resource
from controllers.routing.istio import VIRTUAL_SERVICE
from operators.runtime.errors import Conflict, Unavailable
from operators.runtime.gateway import KubeGateway
from operators.runtime.objects import Key

ARMS = ("blue", "green")
INTERVAL = 15
"""Seconds between two scrapes and between two evaluation instants."""
WEIGHT = 20
NAMESPACES = 10
AT_ONCE = 48
PATIENCE = 120.0
"""Seconds for which a write is tried again, where the machine is too busy to answer in time."""
CANARIES = MODELCANARY.resource
Call = Callable[[int], Coroutine[Any, Any, object]]
_NAMESPACE = Resource("", "v1", "namespaces", "Namespace")


def key(number: int) -> Key:
    """The namespace and name of a canary, and of its VirtualService."""
    return Key(f"team-{number % NAMESPACES}", f"model-{number:05d}")


def host(number: int, arm: str) -> str:
    """The host behind an arm, as the mesh's counters name it."""
    return f"{arm}-{number:05d}.models.example"


def virtual_service(number: int) -> dict[str, Any]:
    """The route, with all traffic on the first arm."""
    namespace, name = key(number)
    route = [
        {"destination": {"host": host(number, arm)}, "weight": weight}
        for arm, weight in zip(ARMS, (100, 0), strict=True)
    ]
    return {
        "apiVersion": VIRTUAL_SERVICE.api_version,
        "kind": VIRTUAL_SERVICE.kind,
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "hosts": [f"{name}.example"],
            "http": [{"name": "primary", "route": route}],
        },
    }


def canary(number: int) -> dict[str, Any]:
    """A canary that has nothing to do; once released, it stays at its first step for an hour."""
    namespace, name = key(number)
    return {
        "apiVersion": CANARIES.api_version,
        "kind": CANARIES.kind,
        "metadata": {"namespace": namespace, "name": name, "labels": {"team": namespace}},
        "spec": {
            "arms": [{"name": arm, "host": host(number, arm)} for arm in ARMS],
            "routeRef": {"name": name, "routes": ["primary"]},
            "release": {"arm": ARMS[0], "version": "1"},
            "steps": [
                {"weight": WEIGHT, "minDuration": "1h"},
                {"weight": 50, "minDuration": "1h"},
            ],
            "guardrails": [{"name": "errors", "type": "ErrorRate", "preset": "Envoy"}],
            "analysis": {"interval": f"{INTERVAL}s", "scrapeInterval": f"{INTERVAL}s"},
        },
    }


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[KubeGateway]:
    """The client that fills the cluster and changes specs."""
    gateway = await KubeGateway.connect(str(kubeconfig))
    try:
        yield gateway
    finally:
        await gateway.close()


async def create(gateway: KubeGateway, objects: int) -> None:
    """All namespaces, then all routes, then all canaries."""
    await many(
        lambda number: gateway.create(_NAMESPACE, "", namespace(key(number)[0])),
        range(min(objects, NAMESPACES)),
    )
    await many(
        lambda number: gateway.create(VIRTUAL_SERVICE, key(number)[0], virtual_service(number)),
        range(objects),
    )
    await many(
        lambda number: gateway.create(CANARIES, key(number)[0], canary(number)), range(objects)
    )


def namespace(name: str) -> dict[str, Any]:
    """The manifest."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def release(gateway: KubeGateway, numbers: Iterable[int]) -> None:
    """Releases the second arm of each, so that a run begins."""
    patch = {"spec": {"release": {"arm": ARMS[1], "version": "2"}}}
    await many(lambda number: gateway.patch(CANARIES, *key(number), patch), numbers)


async def change(call: Call, numbers: Iterable[int], rate: float) -> None:
    """Calls for each number, ``rate`` of them a second, without waiting for the answers."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with asyncio.TaskGroup() as group:
        for count, number in enumerate(numbers):
            await asyncio.sleep(began + count / rate - clock())
            group.create_task(_surely(call, number))


async def deadline(gateway: KubeGateway, *, text: str, number: int) -> Mapping[str, Any]:
    """Gives a canary another deadline: a change that decides nothing."""
    return await gateway.patch(CANARIES, *key(number), {"spec": {"deadline": text}})


async def many(call: Call, numbers: Iterable[int]) -> None:
    """Calls for each number, some at a time; the first error ends it."""
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            await _surely(call, number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


async def _surely(call: Call, number: int) -> None:
    """Calls until it is answered; Unavailable where it is not for too long."""
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            await call(number)
        except Conflict:
            return  # made by an attempt whose answer came too late
        except Unavailable:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(1.0)
        else:
            return
