"""How long after each instant the last of all autoscalers was decided about."""

import time
from dataclasses import dataclass

from hack.bench.runtime.cost import Meter, Spent, memory
from hack.bench.runtime.objects import INTERVAL
from hack.bench.runtime.operator import Operator
from hack.bench.runtime.records import Records, Write, by_operator
from hack.bench.runtime.scalers.objects import AUTOSCALERS
from hack.bench.runtime.scalers.sent import INSTANT, sent
from hack.cluster.cluster import Cluster

AHEAD, PAUSE = 0.5, 0.1
"""Seconds: a tick is looked at from so long before its instant, and so often."""


@dataclass(frozen=True)
class Tick:
    """One instant at which all are due; seconds."""

    decided: float
    """From the instant until the operator had counted as many reconciles as there are objects; a
    whole interval where it had not."""
    held_up: float
    """The longest that a page of its metrics took meanwhile."""


@dataclass(frozen=True)
class Ticks:
    """Some in a row, and what they cost; memory in MiB."""

    each: list[Tick]
    spent: Spent
    prometheus: Spent
    server: Spent
    queries: float
    """Instant queries, as Prometheus counts them."""
    resident: float
    highest: float
    written: list[Write]

    def writes(self, resource: str) -> float:
        """To objects of that kind, a minute."""
        count = sum(write.resource == resource for write in self.written)
        return 60.0 * count / self.spent.seconds


def ticks(cluster: Cluster, operator: Operator, count: int, number: int) -> Ticks:
    """Watches ``number`` ticks of ``count`` autoscalers."""
    _sleep_until(_next())
    records = Records(cluster.folder)
    prometheus, server = (
        Meter(cluster.part(name).process.pid() or 0) for name in ("prometheus", "kube-apiserver")
    )
    queries, meter = sent(cluster, INSTANT), Meter(operator.pid)
    each = [_tick(operator, count) for _ in range(number)]
    _sleep_until(_next())
    return Ticks(
        each,
        meter.read(),
        prometheus.read(),
        server.read(),
        sent(cluster, INSTANT) - queries,
        *memory(operator.pid),
        by_operator(records),
    )


def _next() -> float:
    """When the next tick is to be looked at."""
    return (time.time() + AHEAD) // INTERVAL * INTERVAL + INTERVAL - AHEAD


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))


def _tick(operator: Operator, count: int) -> Tick:
    instant = (time.time() + AHEAD + 1.0) // INTERVAL * INTERVAL
    _sleep_until(instant - AHEAD)
    before = _reconciles(operator)
    held_up = 0.0
    while time.time() < instant + INTERVAL - 2.0 * AHEAD:
        began = time.time()
        done = _reconciles(operator) - before
        now = time.time()
        held_up = max(held_up, now - began)
        if done >= count:
            _sleep_until(instant + INTERVAL - AHEAD - 1.0)
            return Tick(now - instant, held_up)
        time.sleep(PAUSE)
    return Tick(float(INTERVAL), held_up)


def _reconciles(operator: Operator) -> float:
    return operator.metrics().total("modelyard_reconciles_total", kind=AUTOSCALERS.kind)
