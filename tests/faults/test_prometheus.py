"""Prometheus answers wrongly, late or not at all: nothing is decided on it, then all goes on."""

from collections.abc import Iterator

import pytest

from hack.cluster.cluster import Cluster
from hack.faults.prometheus import ANSWERS
from hack.faults.proxy import FaultProxy
from hack.faults.script import Fault, Script
from tests.cluster.scene import Scene
from tests.faults import weather
from tests.faults.stage import (
    Golden,
    approve,
    begin_promotion,
    operated,
    until_paused,
    until_promoted,
)

pytestmark = pytest.mark.cluster

LASTS = 30.0 if weather.FULL else 2.0
"""Seconds of each fault once it is known."""
ENDURED = [name for name in ANSWERS if name != "slow"]
"""What leaves nothing to decide on."""
CASES = (
    {name: [name] for name in ANSWERS} if weather.FULL else {"in turn": ["HTML", "NaN", "partial"]}
)


@pytest.fixture
def prometheus(cluster: Cluster, script: Script) -> Iterator[FaultProxy]:
    """The shared Prometheus behind the script."""
    with FaultProxy(cluster.prometheus_url, script) as proxy:
        yield proxy


@pytest.mark.parametrize("case", CASES)
def test_a_promotion_while_prometheus_fails(
    case: str, bare_scene: Scene, prometheus: FaultProxy, script: Script, golden: Golden
) -> None:
    scene = bare_scene
    scene.serve()
    with operated(scene, prometheus_url=prometheus.url) as stage:
        begin_promotion(scene)
        until_paused(scene)
        for name in CASES[case]:
            _meet(scene, script, name)
        approve(scene)
        until_promoted(scene, golden)
        assert not stage.kubelet.ends


def _meet(scene: Scene, script: Script, name: str) -> None:
    script.play(Fault(name, ANSWERS[name]))
    scene.until(lambda: script.happened[name] > 1, 30, f"{name} has happened")
    if name in ENDURED:
        scene.until(lambda: scene.says("MetricsAvailable")[0] == "False", 30, f"{name} is said")
    scene.always(lambda: scene.green() == 50, LASTS, "the weight is held")
    script.calm()
    scene.until(lambda: scene.says("MetricsAvailable")[0] == "True", 30, "it is measured again")
