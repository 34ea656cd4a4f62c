"""The cluster of tests/cluster, with proxies that play faults before it."""

import os
import secrets
from collections.abc import Iterator

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.site import Site
from hack.faults.proxy import FaultProxy
from hack.faults.script import Script
from tests.cluster.conftest import (
    bare_scene,
    built,
    cluster,
    installed,
    namespace,
    own_cluster,
    scaling,
)
from tests.faults import weather

__all__ = ["bare_scene", "built", "cluster", "installed", "namespace", "own_cluster", "scaling"]

# They show what other tests show too, or what takes long: ``make faults``.
collect_ignore = [] if weather.FULL else ["test_undisturbed.py", "test_long.py"]
if not os.environ.get("MODELYARD_SOAK_SECONDS"):
    collect_ignore += ["test_soak.py"]  # ``make soak``


def server_of(cluster: Cluster, script: Script) -> FaultProxy:
    """A proxy before the cluster's API server."""
    port = Site(cluster.folder).port("kube-apiserver")
    return FaultProxy(f"https://127.0.0.1:{port}", script, cluster.folder / "pki" / "ca.crt")


@pytest.fixture
def script() -> Script:
    """What goes wrong; MODELYARD_SEED, printed where a test fails, makes the same happen again."""
    seed = int(os.environ.get("MODELYARD_SEED") or secrets.randbits(32))
    print(f"MODELYARD_SEED={seed}")
    return Script(seed)


@pytest.fixture
def server(installed: Cluster, script: Script) -> Iterator[FaultProxy]:
    """The API server of the shared cluster behind the script."""
    with server_of(installed, script) as proxy:
        yield proxy
