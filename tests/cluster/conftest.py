"""One cluster for a whole test run, however many workers share it; a namespace for each test."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.cluster import EVERYTHING, PARTS, Cluster
from hack.cluster.operator import install
from hack.cluster.process import Process
from hack.cluster.site import answers, binary, environment
from tests.cluster.operator import free_port
from tests.cluster.scene import Scene, staged

RUNS = binaries.ROOT / ".cluster" / "tests"


@pytest.fixture(scope="session")
def built() -> None:
    """Fails, with what to do, where a test would otherwise sit through minutes of builds."""
    needed = {name: None for part in PARTS.values() for name in part.binaries}
    missing = [name for name in needed if binaries.find(name) is None]
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
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"pid{os.getpid()}")
    _sweep()
    with _shared(RUNS / run[:16]) as shared:
        yield shared


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
def prometheus(installed: Cluster, tmp_path: Path) -> Iterator[tuple[Process, str]]:
    """A Prometheus beside the cluster's, with the same targets, that a test may stop; its URL."""
    port, process = free_port(), Process("prometheus", tmp_path)
    process.start(
        [
            str(binary("prometheus")),
            f"--config.file={installed.folder}/config/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        environment({}),
    )
    try:
        process.await_ready(lambda: answers(port, "/-/ready"), seconds=30)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.stop(grace=0.0)


@contextmanager
def _shared(folder: Path) -> Iterator[Cluster]:
    """The cluster of that folder, up as long as a worker of this run holds a shared lock on it.

    A lock and no count: a worker that is killed gives its lock up too.
    """
    RUNS.mkdir(parents=True, exist_ok=True)
    users = folder.with_suffix(".users")
    while True:
        with users.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if not _same(file.fileno(), users):
                continue  # the last worker of before has just taken it away
            try:
                yield Cluster(folder).up()
            finally:
                _down_if_last(file.fileno(), users)
            return


def _same(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False


def _down_if_last(descriptor: int, users: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    Cluster(users.with_suffix("")).down()
    users.unlink(missing_ok=True)


def _sweep() -> None:
    """Takes away the clusters of runs that were killed before they could."""
    for users in RUNS.glob("*.users"):
        with suppress(FileNotFoundError), users.open("r+") as file:
            _down_if_last(file.fileno(), users)
