"""The setting: a cluster with all autoscalers and their pods, and a Prometheus with a past."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from hack.bench.runtime.objects import INTERVAL, connected
from hack.bench.runtime.scalers import objects
from hack.bench.runtime.scalers.past import backfill
from hack.bench.runtime.setting import program
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.site import Site


@dataclass(frozen=True)
class Size:
    """How much is measured, and for how long."""

    count: int
    days: int
    """Of the past."""
    ticks: int
    changes: int
    rival: float
    """Seconds."""


FULL = Size(count=1000, days=14, ticks=16, changes=200, rival=60.0)
QUICK = Size(count=1000, days=1, ticks=4, changes=100, rival=30.0)


def prepare(cluster: Cluster, size: Size, say: Callable[[str], None]) -> int:
    """Fills API server and Prometheus; the port of the program that counts."""
    cluster.up(["core", "prometheus"], scrape_seconds=INTERVAL)
    site = Site(cluster.folder)
    for path in (*sorted((ROOT / "crds").glob("*.yaml")), ROOT / "deploy" / "rbac.yaml"):
        site.apply_file(path)
    crd = f"crd/{objects.AUTOSCALERS.plural}.{objects.AUTOSCALERS.group}"
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", crd)
    port = program(cluster, "scalers.counters", ["--count", str(size.count)], "/metrics")[1]
    cluster.scrape("counters", f"127.0.0.1:{port}")
    backfill(cluster, size.count, size.days, say)
    began = time.monotonic()
    asyncio.run(_create(cluster, size.count))
    say(f"{size.count} autoscalers and their pods made in {time.monotonic() - began:.0f} s")
    return port


async def _create(cluster: Cluster, count: int) -> None:
    async with connected(cluster.kubeconfig) as gateway:
        await objects.create(gateway, count)
