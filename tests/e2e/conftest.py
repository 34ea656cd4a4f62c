"""The real node, one for a whole run; nothing here runs unless ``--e2e`` is said."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.cluster import EVERYTHING, Cluster, needed
from hack.cluster.node.host import missing
from tests.sharing import shared

WITH_NODE = (*EVERYTHING, "node")
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--e2e"):
        return
    unasked = [item for item in items if item.path.is_relative_to(_HERE)]
    if unasked:
        config.hook.pytest_deselected(items=unasked)
        items[:] = [item for item in items if item not in unasked]


@pytest.fixture(scope="session")
def able() -> None:
    """Skips, with the reason, on a machine that cannot have a real node."""
    if lacks := missing():
        pytest.skip(f"no real node here; it needs {'; '.join(lacks)}")
    unbuilt = [name for name in needed(WITH_NODE) if binaries.find(name) is None]
    if unbuilt:
        pytest.fail(f"{', '.join(unbuilt)} missing: python -m hack.cluster build --node")


@pytest.fixture(scope="session")
def node(able: None) -> Iterator[Cluster]:
    """Everything and the real node, shared by all tests of the run.

    MODELYARD_CLUSTER, which ``python -m hack.cluster env`` prints, names one to use instead.
    """
    if given := os.environ.get("MODELYARD_CLUSTER"):
        yield Cluster(Path(given)).up(WITH_NODE)
        return
    with shared(binaries.ROOT / ".cluster" / "e2e", lambda cluster: cluster.up(WITH_NODE)) as one:
        yield one


@pytest.fixture
def own_node(able: None, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own, for what others would suffer from; it is not up yet."""
    with Cluster(tmp_path / "own") as cluster:
        yield cluster


@pytest.fixture
def namespace(node: Cluster) -> Iterator[str]:
    """A fresh namespace, under the restricted standard of pod security; it goes after the test."""
    name = f"e2e-{secrets.token_hex(4)}"
    node.kubectl("create", "namespace", name)
    node.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield name
    finally:
        node.kubectl("delete", "namespace", name, "--wait=false")
