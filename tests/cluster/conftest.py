"""One cluster for a whole test run, however many workers share it; a namespace for each test."""

import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.cluster import EVERYTHING, Cluster, needed
from hack.cluster.operator import install
from hack.cluster.process import Process
from hack.rights import used
from tests.cluster import autoscaler_scene
from tests.cluster.autoscaler_scene import ScalingScene
from tests.cluster.own_prometheus import OwnPrometheus
from tests.cluster.scene import Scene, staged
from tests.sharing import shared

RUNS = binaries.ROOT / ".cluster" / "tests"


@pytest.fixture(scope="session")
def built() -> None:
    """Fails, with what to do, where a test would otherwise sit through minutes of builds."""
    missing = [name for name in needed() if binaries.find(name) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing: python -m hack.cluster build, then test again")


@pytest.fixture(scope="session")
def cluster(built: None) -> Iterator[Cluster]:
    """Everything, shared by all tests of the run; one that breaks a part takes ``own_cluster``.

    MODELYARD_CLUSTER, which ``python -m hack.cluster env`` prints, names one to use instead.
    """
    given = os.environ.get("MODELYARD_CLUSTER")
    if given:
        yield Cluster(Path(given)).up()
        return
    with shared(RUNS, up=Cluster.up, farewell=used.keep) as one:
        yield one


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace; it goes after the test, with its model servers."""
    name = f"t-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")
        cluster.models.stop_all(name)


@pytest.fixture
def own_cluster(built: None, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts clusters of the test's own, of the parts it names, and takes them away after it."""
    with ExitStack() as stack:

        def start(*parts: str, name: str = "own") -> Cluster:
            owned = stack.enter_context(Cluster(tmp_path / name))
            stack.callback(used.keep, owned.folder)
            return owned.up(parts or EVERYTHING)

        yield start


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """The shared cluster with the CRDs and the rights of the checkout."""
    install(cluster)
    return cluster


@pytest.fixture
def bare_scene(installed: Cluster, namespace: str) -> Iterator[Scene]:
    """A scene with nothing on it yet, for a test that sets its own."""
    with staged(installed, namespace) as scene:
        yield scene


@pytest.fixture
def scene(bare_scene: Scene) -> Scene:
    """Two model servers, a route, 50 requests a second and an operator; no canary yet."""
    with ThreadPoolExecutor(1) as pool:
        operator = pool.submit(bare_scene.operate)
        bare_scene.serve()
        operator.result()
    return bare_scene


@pytest.fixture
def scaling(installed: Cluster, namespace: str) -> Iterator[ScalingScene]:
    """A scene for an autoscaler, with nothing on it yet."""
    with autoscaler_scene.staged(installed, namespace) as scene:
        yield scene


@pytest.fixture
def own_prometheus(installed: Cluster, tmp_path: Path) -> Iterator[OwnPrometheus]:
    """A Prometheus of the test's own, with the cluster's targets, that it may stop and start."""
    one = OwnPrometheus(installed, tmp_path)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def prometheus(own_prometheus: OwnPrometheus) -> tuple[Process, str]:
    """The process of such a Prometheus, and its URL."""
    return own_prometheus.process, own_prometheus.url
