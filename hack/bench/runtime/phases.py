"""What is measured of the operator, one phase after the other."""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from controllers.plan import Resource
from hack.bench.runtime import objects
from hack.bench.runtime.cost import Meter, Spent, cpu, memory
from hack.bench.runtime.operator import Operator
from hack.bench.runtime.records import Changes, Records, by_operator, changes
from hack.bench.runtime.setting import Size
from hack.cluster.cluster import Cluster
from operators.runtime.gateway import KubeGateway

RATE = 5.0
"""Specs changed in a second."""
_IDLE = 0.1
"""CPU seconds in 5 s under which the start counts as over."""
_STEADY = 4 * objects.INTERVAL
_DELAY = "modelyard_delay_seconds"


@dataclass(frozen=True)
class Start:
    """Seconds to ready and until each object had been decided about, and what that took."""

    ready: float
    decided: float
    cpu: float


def start(operator: Operator, objects: int) -> Start:
    """Starts the operator on all objects until it has nothing left to do."""
    began = time.monotonic()
    ready = operator.start()
    operator.settled(objects, seconds=900)
    decided = time.monotonic() - began - 5.0
    return Start(ready, decided, cpu(operator.pid))


def _await_idle(operator: Operator) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        meter = Meter(operator.pid)
        time.sleep(5.0)
        if meter.read().cpu < _IDLE:
            return


@dataclass(frozen=True)
class Rest:
    """What an idle operator costs; memory in MiB, now and at its highest since the start."""

    spent: Spent
    server: Spent
    resident: float
    highest: float
    object_writes: int
    lease_writes: int

    def per_minute(self, count: int) -> float:
        """That many writes in the time measured, by the minute."""
        return 60.0 * count / self.spent.seconds


def rest(cluster: Cluster, operator: Operator, size: Size) -> Rest:
    """Measures while nothing happens, once the lists of the start are over too."""
    _await_idle(operator)
    records = Records(cluster.folder)
    server = Meter(cluster.part("kube-apiserver").process.pid() or 0)
    meter = Meter(operator.pid)
    time.sleep(size.rest)
    spent, served = meter.read(), server.read()
    written = by_operator(records)
    leases = sum(write.resource == "leases" for write in written)
    return Rest(spent, served, *memory(operator.pid), len(written) - leases, leases)


def change(cluster: Cluster, size: Size, deadline: str) -> Changes:
    """Changes the specs of some canaries, drawn by chance from all of them."""
    chosen = random.Random(deadline).sample(range(size.objects), size.changes)
    return changed(cluster, objects.CANARIES, partial(objects.deadline, text=deadline), chosen)


class Change(Protocol):
    """Changes one spec."""

    def __call__(self, gateway: KubeGateway, *, number: int) -> Coroutine[Any, Any, object]:
        """By its number."""
        ...


def changed(cluster: Cluster, kind: Resource, change: Change, numbers: Sequence[int]) -> Changes:
    """Changes the specs with these numbers, ``RATE`` a second, and reads what came of it."""
    records = Records(cluster.folder)

    async def run() -> None:
        async with objects.connected(cluster.kubeconfig) as gateway:
            await objects.change(lambda number: change(gateway, number=number), numbers, RATE)

    asyncio.run(run())
    time.sleep(5.0)
    return changes(records, kind)


@dataclass(frozen=True)
class Busy:
    """What many runs at once cost."""

    spent: Spent
    prometheus: Spent
    server: Spent
    resident: float
    highest: float
    delays: dict[float, float]
    """How many looks were settled within so many seconds of when they were due."""
    blocks: float
    failed: float
    writes: int

    @property
    def expected(self) -> float:
        """Blocks that ended in the time measured, of one canary."""
        return self.spent.seconds / objects.INTERVAL


def release(cluster: Cluster, operator: Operator, size: Size) -> float:
    """Begins the runs; the seconds until traffic moved in all. TimeoutError if it does not."""
    began = time.monotonic()
    asyncio.run(_release(cluster, size))
    while _moved(operator) < size.active:
        if time.monotonic() - began > 300:
            raise TimeoutError(f"{_moved(operator):.0f} of {size.active} routes moved in 300 s")
        time.sleep(0.5)
    return time.monotonic() - began


def _moved(operator: Operator) -> float:
    return operator.metrics().total("modelyard_writes_total", kind="VirtualService", result="ok")


async def _release(cluster: Cluster, size: Size) -> None:
    async with objects.connected(cluster.kubeconfig) as gateway:
        await objects.release(gateway, range(size.active))


def busy(cluster: Cluster, operator: Operator, size: Size) -> Busy:
    """Measures while all runs are at a step and each block is judged."""
    time.sleep(_STEADY)
    records = Records(cluster.folder)
    prometheus, server = (
        Meter(cluster.part(name).process.pid() or 0) for name in ("prometheus", "kube-apiserver")
    )
    before = operator.metrics()
    earlier = before.buckets(_DELAY)
    meter = Meter(operator.pid)
    time.sleep(size.busy)
    spent, after = meter.read(), operator.metrics()
    queries = {
        state: after.total("modelyard_readings_total", state=state)
        - before.total("modelyard_readings_total", state=state)
        for state in ("Answered", "Failed", "Empty", "Warned")
    }
    written = by_operator(records)
    return Busy(
        spent,
        prometheus.read(),
        server.read(),
        *memory(operator.pid),
        {within: count - earlier[within] for within, count in after.buckets(_DELAY).items()},
        queries.pop("Answered"),
        sum(queries.values()),
        len(written),
    )
