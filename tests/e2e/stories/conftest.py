"""The stories of the installed charts: on a real node of this machine, or on any cluster."""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hack.charts.helm import CRDS, NAME, NAMESPACE, helm
from hack.cluster import binaries, images
from hack.cluster.cluster import EVERYTHING, Cluster
from hack.rights import used
from tests.cluster.autoscaler_scene import FULL_PACE, PACE
from tests.e2e.stories import scaling as scaling_stage
from tests.e2e.stories.elsewhere import Elsewhere
from tests.e2e.stories.release import Release
from tests.e2e.stories.scaling import ScalingStage
from tests.e2e.stories.stage import Stage, staged
from tests.sharing import shared

_RUNS = binaries.ROOT / ".cluster" / "e2e"
_IMAGES = ("operator", "model-server")
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what takes too long, and on somebody's cluster what handles parts of it."""
    kept = items
    if PACE is not FULL_PACE:
        kept = [item for item in kept if not item.get_closest_marker("soak")]
    if config.getoption("--kubeconfig"):
        kept = [item for item in kept if _is_told_anywhere(item)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def _is_told_anywhere(item: pytest.Item) -> bool:
    is_story = item.path.is_relative_to(Path(__file__).parent)
    return is_story and "ours" not in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The cluster of the stories: with a real node, a worker's own, or what --kubeconfig names.

    MODELYARD_CLUSTER, which ``python -m hack.cluster env`` prints, names one to use instead.
    """
    if kubeconfig := request.config.getoption("--kubeconfig"):
        with Elsewhere(tmp_path_factory.mktemp("elsewhere") / "cluster", kubeconfig) as one:
            yield one
        return
    request.getfixturevalue("able")
    parts = (*EVERYTHING, "node")
    if given := os.environ.get("MODELYARD_CLUSTER"):
        yield Cluster(Path(given)).up(parts)
        return
    # Stories replace and remove the one operator of a cluster, so that workers cannot share it.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with shared(_RUNS / worker, lambda cluster: cluster.up(parts), used.keep) as one:
        yield one


@pytest.fixture
def ours(place: Cluster) -> Cluster:
    """The place, for a story that handles its parts and processes: never somebody's cluster."""
    assert not isinstance(place, Elsewhere)
    return place


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, place: Cluster) -> Mapping[str, str]:
    """The images of the operator and of a model server, by name, that the place's nodes have."""
    found = {name: str(request.config.getoption(f"--{name}-image")) for name in _IMAGES}
    lacking = [name for name, image in found.items() if not image]
    if lacking and isinstance(place, Elsewhere):
        options = " and ".join(f"--{name}-image" for name in lacking)
        pytest.fail(f"give images that your nodes have or can pull: {options}")
    for name in lacking:
        archive = images.build(name, say=print)
        place.load_image(archive)
        found[name] = images.reference(archive)
    return found


@pytest.fixture(scope="session")
def installed(place: Cluster, pictures: Mapping[str, str]) -> Iterator[Release]:
    """The kinds and the operator, installed by Helm."""
    if isinstance(place, Elsewhere):
        _refuse_what_is_used(place)
    release = Release(place, pictures["operator"])
    release.as_usual()
    yield release
    if isinstance(place, Elsewhere):
        _remove(place, release)


def _refuse_what_is_used(place: Elsewhere) -> None:
    """A cluster that has the operator already is somebody's, who would lose it."""
    there = place.kubectl("get", "namespace,crd", "-o=name").split()
    ours = [name for name in there if name.endswith((f"/{NAMESPACE}", ".modelyard.dev"))]
    if ours:
        pytest.fail(f"these tests remove Modelyard, and it is in use here: {', '.join(ours)}")


def _remove(place: Elsewhere, release: Release) -> None:
    release.uninstall()
    release.uninstall(f"{NAME}-crds")
    kinds = helm("template", str(CRDS), kubeconfig=place.kubeconfig)
    place.kubectl("delete", "-f", "-", data=kinds)
    place.kubectl("delete", "namespace", NAMESPACE)


@pytest.fixture
def release(installed: Release) -> Release:
    """The operator as it is usually installed, whatever the story before this one did to it."""
    installed.as_usual()
    return installed


@pytest.fixture
def namespace(place: Cluster) -> Iterator[str]:
    """A fresh namespace, under the restricted standard of pod security; it goes after the test."""
    name = f"e2e-{secrets.token_hex(4)}"
    place.kubectl("create", "namespace", name)
    place.kubectl("label", "namespace", name, _RESTRICTED)
    try:
        yield name
    finally:
        place.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def stage(
    place: Cluster, release: Release, namespace: str, pictures: Mapping[str, str]
) -> Iterator[Stage]:
    """An empty stage, which the usual operator serves."""
    with staged(place, namespace, release, pictures["model-server"]) as one:
        yield one


@pytest.fixture
def scaling(
    place: Cluster, release: Release, namespace: str, pictures: Mapping[str, str]
) -> Iterator[ScalingStage]:
    """An empty stage for an autoscaler, which the usual operator serves."""
    with scaling_stage.staged(place, namespace, release, pictures["model-server"]) as one:
        yield one
