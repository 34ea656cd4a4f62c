"""The real controller, alone in its kube-controller-manager, with the flags of the validation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hack.bench.autoscaler.real.scripts import STABLE
from hack.cluster.cluster import Cluster
from hack.cluster.control_plane import CONTROLLERS
from hack.cluster.folder import locked
from hack.cluster.part import Launch, RunningPart
from hack.cluster.site import Site

SYNC = 0.4
"""Seconds between two looks, for 15."""
_FLAGS = (
    "--controllers=horizontal-pod-autoscaler-controller",
    f"--horizontal-pod-autoscaler-sync-period={SYNC}s",
    f"--horizontal-pod-autoscaler-downscale-stabilization={STABLE}s",
    # As many looks at once as there are scripts: each is held back by its own.
    "--concurrent-horizontal-pod-autoscaler-syncs=100",
    "--kube-api-qps=1000",
    "--kube-api-burst=1000",
)


@contextmanager
def controlled(cluster: Cluster) -> Iterator[None]:
    """A cluster of etcd and API server with the autoscaler's controller, until the context ends."""
    cluster.build(["controllers"])
    site = Site(cluster.folder)
    with locked(cluster.folder):
        site.choose_ports(CONTROLLERS.ports)
    part = RunningPart(site, replace(CONTROLLERS, launch=_launch))
    part.start()
    try:
        yield
    finally:
        part.stop()


def _launch(site: Site) -> Launch:
    usual = CONTROLLERS.launch(site)
    return Launch([*usual.command, *_FLAGS], usual.environment)
