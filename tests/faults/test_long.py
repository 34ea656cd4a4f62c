"""What takes too long for every day: a lost event, clocks that start wrong, a blind autoscaler."""

import pytest

from hack.faults.effects import Dropped
from hack.faults.prometheus import ANSWERS
from hack.faults.proxy import FaultProxy
from hack.faults.script import Fault, Script
from tests.cluster.autoscaler_scene import ScalingScene
from tests.cluster.scene import Scene
from tests.faults.stage import (
    Golden,
    approve,
    begin_promotion,
    begin_raise,
    operated,
    until_paused,
    until_promoted,
    until_raised,
)
from tests.faults.test_clock import JUMPS
from tests.faults.test_prometheus import ENDURED, LASTS, prometheus

__all__ = ["prometheus"]

pytestmark = pytest.mark.cluster

LOST_APPROVAL = Fault("approval lost", Dropped(), "^WATCH ", line="modelyard.dev/approve", times=1)


def test_an_approval_whose_event_is_lost(
    bare_scene: Scene, server: FaultProxy, script: Script, golden: Golden
) -> None:
    bare_scene.serve()
    with operated(bare_scene, server=server):
        begin_promotion(bare_scene)
        until_paused(bare_scene)
        script.play(LOST_APPROVAL)
        approve(bare_scene)
        until_promoted(bare_scene, golden)
        assert script.happened[LOST_APPROVAL.name] == 1


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_clock_that_was_wrong_from_the_start_and_is_set_right_holds_up_nothing(
    seconds: float, bare_scene: Scene, golden: Golden
) -> None:
    scene = bare_scene
    scene.serve()
    with operated(scene, program="tests.faults.skewed") as stage:
        stage.operator.set_clock(seconds)
        begin_promotion(scene, steps=[{"weight": 50, "minDuration": "2s"}])
        scene.until(lambda: scene.status().run == 1, 30, "a run has begun")
        scene.always(lambda: scene.green() == 0, 6, "nothing moves: nothing is measured")
        stage.operator.set_clock(0)
        until_promoted(scene, golden, 60)
        assert not stage.kubelet.ends


@pytest.mark.parametrize("name", ENDURED)
def test_a_raise_while_prometheus_fails(
    name: str, scaling: ScalingScene, prometheus: FaultProxy, script: Script, golden: Golden
) -> None:
    scene = scaling
    scene.serve()
    with operated(scene, prometheus_url=prometheus.url) as stage:
        begin_raise(scene)
        until_raised(scene, golden)
        script.play(Fault(name, ANSWERS[name]))
        scene.until_says("MetricsAvailable", "False")
        scene.always(lambda: scene.replicas() == 3, LASTS, "none is taken away")
        script.calm()
        scene.until_measured()
        until_raised(scene, golden)
        assert not stage.kubelet.ends
