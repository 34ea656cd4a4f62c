"""What is measured of the operator with many autoscalers, one phase after the other."""

import asyncio
import random
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hack.bench.runtime.cost import Meter, Spent, cpu, memory
from hack.bench.runtime.objects import INTERVAL, connected
from hack.bench.runtime.operator import Operator
from hack.bench.runtime.phases import Start, changed
from hack.bench.runtime.records import Changes, Records, by_operator
from hack.bench.runtime.scalers import objects, rivals
from hack.bench.runtime.scalers.counters import USUAL
from hack.bench.runtime.scalers.rivals import Rival
from hack.bench.runtime.scalers.sent import RANGE, sent
from hack.bench.runtime.scalers.setting import Size
from hack.bench.runtime.scalers.ticks import Ticks, ticks
from hack.cluster.cluster import Cluster

SILENT = 15.0
"""Seconds without a range query that tell that the history is read: newest minutes apart, which
are asked for once a minute, the longest rest between two is 5 s."""
SURGE = 10.0
"""How many times the usual demand makes every target too small."""


@dataclass(frozen=True)
class Reading:
    """How the history was read back; memory in MiB, at its highest so far."""

    seconds: float
    queries: float
    spent: Spent
    highest: float
    used: float
    """Seconds after that until the forecasts of all rested on it."""


@dataclass(frozen=True)
class State:
    """What the statuses say at the end: how many measure, and how many trust their forecast."""

    measured: int
    trusted: int
    minutes: int
    """Of forecasts that the median of them rests on."""
    fewest: int
    """The same of the worst of them."""


@dataclass(frozen=True)
class Surge:
    """All targets are too small at once: seconds from an instant to the end of each write."""

    lags: list[float]
    scaled: int
    """Deployments."""


@dataclass(frozen=True)
class Found:
    """All that was measured in one run."""

    first: Start
    early: Ticks
    reading: Reading
    rest: Ticks
    state: State
    changes: Changes
    surge: Surge
    separately: Spent
    rivals: dict[str, Rival]


def measure(cluster: Cluster, port: int, size: Size, say: Callable[[str], None]) -> Found:
    """Every phase, on a cluster that is prepared; ``port`` is that of the counters."""
    operator = Operator(cluster)
    began = time.monotonic()
    ready = operator.start()
    # There is always something to do: each status is put on record at a moment of its own.
    operator.counted(size.count, seconds=900)
    first = Start(ready, time.monotonic() - began, cpu(operator.pid))
    say(f"all decided about once after {first.decided:.0f} s, {first.cpu:.0f} s of CPU")
    early = ticks(cluster, operator, size.count, 2)
    reading = _read(cluster, operator, size.count, began)
    say(f"history read after {reading.seconds:.0f} s by {reading.queries:.0f} queries")
    say(f"all forecasts rest on it {reading.used:.0f} s later")
    rest = ticks(cluster, operator, size.count, size.ticks)
    say(f"ticks: {', '.join(f'{one.decided:.2f}' for one in rest.each)} s")
    state = asyncio.run(_state(cluster))
    chosen = random.Random(1).sample(range(size.count), min(size.count, size.changes))
    told = changed(cluster, objects.AUTOSCALERS, partial(objects.change, text="2h"), chosen)
    say(f"{len(told.answered)} changed specs answered, {told.unanswered} not")
    surge = _surge(cluster, port)
    say(f"{surge.scaled} targets scaled when demand rose for all")
    operator.stop()
    alone = rivals.separately(cluster, size.count)
    say(f"queries for each alone: {alone.seconds:.1f} s, {alone.cpu:.1f} s of CPU")
    return Found(
        first, early, reading, rest, state, told, surge, alone,
        rivals.autoscalers(cluster, size.count, size.rival, say),
    )  # fmt: skip


def _read(cluster: Cluster, operator: Operator, count: int, began: float) -> Reading:
    """Waits until the history is read back and of use. TimeoutError after half an hour."""
    meter = Meter(operator.pid)
    seen, last = sent(cluster, RANGE), time.monotonic()
    while time.monotonic() - last < SILENT:
        time.sleep(1.0)
        now = sent(cluster, RANGE)
        if now > seen:
            seen, last = now, time.monotonic()
        if last - began > 1800.0:
            raise TimeoutError(f"the history is still read after {last - began:.0f} s")
    spent, highest = meter.read(), memory(operator.pid)[1]
    return Reading(last - began, seen, spent, highest, _used(cluster, count, last))


def _used(cluster: Cluster, count: int, since: float) -> float:
    """Seconds until all trust their forecasts, which rest on as much as any other's."""
    while True:
        state = asyncio.run(_state(cluster))
        if state.trusted == count and state.fewest > state.minutes - 60:
            return time.monotonic() - since
        if time.monotonic() - since > 900.0:
            raise TimeoutError(f"of {count} forecasts {state.trusted} are trusted after 15 minutes")
        time.sleep(10.0)


async def _state(cluster: Cluster) -> State:
    async with connected(cluster.kubeconfig) as gateway:
        found, _ = await gateway.list(objects.AUTOSCALERS, "")
    statuses = [one.get("status", {}) for one in found]
    true = [
        {one["type"] for one in status.get("conditions", ()) if one["status"] == "True"}
        for status in statuses
    ]
    minutes = sorted(status.get("demand", {}).get("samples", 0) for status in statuses)
    return State(
        sum("MetricsAvailable" in one for one in true),
        sum("ForecastTrusted" in one for one in true),
        minutes[len(minutes) // 2],
        minutes[0],
    )


def _surge(cluster: Cluster, port: int) -> Surge:
    """Has demand rise for all at once, for two minutes."""
    records = Records(cluster.folder)
    url = f"http://127.0.0.1:{port}/rate/{SURGE * USUAL:g}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10):
        time.sleep(6 * INTERVAL)
    scaled = [write for write in by_operator(records) if write.subresource == "scale"]
    return Surge([write.done % INTERVAL for write in scaled], len({one.key for one in scaled}))
