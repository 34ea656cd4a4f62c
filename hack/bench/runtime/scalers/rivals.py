"""The same work by other means: queries for each object alone, and the real HPA controller."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hack.bench.autoscaler.real.apis import external_metrics
from hack.bench.autoscaler.real.extension import extended
from hack.bench.runtime.baselines import asked
from hack.bench.runtime.cost import Meter, Spent, memory
from hack.bench.runtime.objects import INTERVAL, connected, many
from hack.bench.runtime.scalers import objects
from hack.bench.runtime.scalers.counters import ACTIVE, COMPLETED, PENDING, USUAL, named
from hack.cluster.cluster import Cluster
from hack.cluster.control_plane import CONTROLLERS
from hack.cluster.folder import locked
from hack.cluster.part import Launch, RunningPart
from hack.cluster.site import Site
from operators.inferenceautoscaler import HPA

METRIC = "requests-per-second"
FLAGS = {
    "by its defaults": (),
    "with limits raised": (
        "--concurrent-horizontal-pod-autoscaler-syncs=32",
        "--kube-api-qps=2000",
        "--kube-api-burst=2000",
    ),
}
"""The defaults: five looks at a time and 20 requests a second to the API server."""
SETTLE = 45.0
"""Seconds for the first looks, which write each status."""


def separately(cluster: Cluster, count: int) -> Spent:
    """Five queries of its own for each object, sent and read, and nothing decided."""
    at = int(time.time()) // INTERVAL * INTERVAL - INTERVAL
    texts = [text for number in range(count) for text in _texts(number)]
    return asked(cluster, texts, at)


def _texts(number: int) -> Sequence[str]:
    completed, active, pending = (named(one, number) for one in (COMPLETED, ACTIVE, PENDING))

    def arrived(window: int) -> str:
        grown = f"{active} - {active} offset {window}s + {pending} - {pending} offset {window}s"
        return f"sum(rate({completed}[{window}s]) + ({grown}) / {window})"

    wide, half = 4 * INTERVAL, 2 * INTERVAL
    return (
        arrived(wide),
        arrived(half),
        f"sum(count_over_time({completed}[{wide}s]))",
        f"sum(rate({completed}[{wide}s]))",
        f"sum({active} + {pending})",
    )


@dataclass(frozen=True)
class Rival:
    """Real autoscalers with one external metric each, at rest; memory in MiB."""

    round: float
    """Seconds for a look at each, at the rate that was seen."""
    spent: Spent
    server: Spent
    resident: float


def autoscalers(
    cluster: Cluster, count: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Rival]:
    """The HPA controller on the same Deployments, with each set of flags; ours is to be stopped.

    Its metric is answered from memory by an extension API server in this process.
    """
    chance, looks = random.Random(3), [0]

    def values(_namespace: str, _metric: str) -> Sequence[float]:
        looks[0] += 1
        return [USUAL * chance.uniform(0.9, 1.1)]

    cluster.build(["controllers"])
    found = {}
    with extended(cluster, external_metrics(values)):
        asyncio.run(_create(cluster, count))
        for name, flags in FLAGS.items():
            found[name] = _measure(cluster, count, flags, seconds, looks)
            say(f"the HPA controller {name}: {found[name].round:.0f} s for a look at each")
    return found


def _measure(
    cluster: Cluster, count: int, flags: Sequence[str], seconds: float, looks: list[int]
) -> Rival:
    site = Site(cluster.folder)
    with locked(cluster.folder):
        site.choose_ports(CONTROLLERS.ports)

    def launch(site: Site) -> Launch:
        usual = CONTROLLERS.launch(site)
        only = "--controllers=horizontal-pod-autoscaler-controller"
        return Launch([*usual.command, only, *flags], usual.environment)

    part = RunningPart(site, replace(CONTROLLERS, launch=launch))
    part.start()
    try:
        time.sleep(SETTLE)
        pid = part.process.pid() or 0
        server = Meter(cluster.part("kube-apiserver").process.pid() or 0)
        meter, before = Meter(pid), looks[0]
        time.sleep(seconds)
        spent, seen = meter.read(), looks[0] - before
        return Rival(count * spent.seconds / max(1, seen), spent, server.read(), memory(pid)[0])
    finally:
        part.stop()


async def _create(cluster: Cluster, count: int) -> None:
    async with connected(cluster.kubeconfig) as gateway:
        await many(
            lambda number: gateway.create(HPA, objects.key(number).namespace, _manifest(number)),
            range(count),
        )


def _manifest(number: int) -> dict[str, Any]:
    namespace, name = objects.key(number)
    target = {"type": "AverageValue", "averageValue": f"{objects.RATE:g}"}
    return {
        "apiVersion": HPA.api_version,
        "kind": HPA.kind,
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": objects.replicas(number),
            "maxReplicas": 40,
            "metrics": [
                {"type": "External", "external": {"metric": {"name": METRIC}, "target": target}}
            ],
        },
    }
