"""What the operator asks of the API server fails in every way, and it ends where it would have."""

import pytest

from hack.faults.proxy import FaultProxy
from hack.faults.script import Script
from tests.cluster.autoscaler_scene import ScalingScene
from tests.cluster.scene import Scene
from tests.faults import oracle, weather
from tests.faults.stage import (
    Golden,
    Stage,
    approve,
    begin_promotion,
    begin_raise,
    operated,
    until_paused,
    until_promoted,
    until_raised,
)

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("case", weather.CASES)
def test_a_promotion(
    case: str, bare_scene: Scene, server: FaultProxy, script: Script, golden: Golden
) -> None:
    scene = bare_scene
    scene.serve()
    with operated(scene, server=server) as stage:
        script.play(*weather.CASES[case], in_turn=not weather.FULL)
        begin_promotion(scene)
        until_paused(scene)
        weather.pass_by(scene, script)
        script.play(*weather.LAST[case])
        approve(scene)
        until_promoted(scene, golden)
        assert script.happened
        _check(case, stage, server, script)


@pytest.mark.parametrize("case", weather.RAISES)
def test_a_raise(
    case: str, scaling: ScalingScene, server: FaultProxy, script: Script, golden: Golden
) -> None:
    scene = scaling
    scene.serve()
    with operated(scene, server=server) as stage:
        script.play(*weather.RAISES[case])
        begin_raise(scene)
        until_raised(scene, golden)
        _check(case, stage, server, script)


def _check(case: str, stage: Stage, server: FaultProxy, script: Script) -> None:
    """No end but by a lost lease, and no hurry."""
    script.calm()
    print(f"{dict(script.happened)} in {stage.seconds:.0f} s, ended: {stage.kubelet.ends}")
    oracle.check_bounded(server, stage.seconds)
    if not case.startswith("lease"):
        assert not stage.kubelet.ends
