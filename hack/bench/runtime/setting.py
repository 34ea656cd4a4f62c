"""The setting: a cluster with all objects on it, counters that grow, and what they are read by."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hack.bench.runtime import objects
from hack.cluster import binaries
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.process import Process
from hack.cluster.site import Site, answers, environment


@dataclass(frozen=True)
class Size:
    """How much is measured, and for how long (seconds)."""

    objects: int
    active: int
    changes: int
    rest: float
    busy: float


QUICK = Size(objects=1000, active=100, changes=60, rest=30.0, busy=75.0)


def prepare(cluster: Cluster, size: Size, say: Callable[[str], None]) -> None:
    """An API server with the CRDs and all objects, and a Prometheus that scrapes the counters."""
    cluster.build(["istio"])  # its CRDs come with istiod, which is not needed itself
    cluster.up(["core", "prometheus"], scrape_seconds=objects.INTERVAL)
    site = Site(cluster.folder)
    (crds,) = binaries.data("pilot-discovery")
    for path in (crds, *sorted((ROOT / "crds").glob("*.yaml")), ROOT / "deploy" / "rbac.yaml"):
        site.apply_file(path)
    for name in ("modelcanaries.modelyard.dev", "virtualservices.networking.istio.io"):
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")
    began = time.monotonic()
    asyncio.run(_create(cluster, size.objects))
    say(f"{size.objects} canaries and their routes made in {time.monotonic() - began:.0f} s")
    port = program(
        cluster, "counters", ["--kubeconfig", str(cluster.kubeconfig), "--count", str(size.active)],
        "/metrics",
    )[1]  # fmt: skip
    cluster.scrape("counters", f"127.0.0.1:{port}")


async def _create(cluster: Cluster, count: int) -> None:
    async with objects.connected(cluster.kubeconfig) as gateway:
        await objects.create(gateway, count)


def program(
    cluster: Cluster,
    name: str,
    arguments: Sequence[str],
    path: str,
    extra: Mapping[str, str] | None = None,
) -> tuple[Process, int]:
    """Starts a module beside this one until it answers at ``path``; it ends with the cluster."""
    site = Site(cluster.folder)
    with locked(cluster.folder):
        site.choose_ports([name])
    port = site.port(name)
    process = site.process(name)
    process.start(
        [sys.executable, "-m", f"hack.bench.runtime.{name}", "--port", str(port), *arguments],
        environment({"PYTHONPATH": str(ROOT), **(extra or {})}),
    )
    process.await_ready(lambda: answers(port, path), seconds=60)
    return process, port
