"""The two scenarios without any fault: what they end with is held against all others."""

import pytest

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

pytestmark = pytest.mark.cluster


def test_a_promotion(bare_scene: Scene, golden: Golden) -> None:
    bare_scene.serve()
    with operated(bare_scene):
        begin_promotion(bare_scene)
        until_paused(bare_scene)
        approve(bare_scene)
        until_promoted(bare_scene, golden)


def test_a_raise(scaling: ScalingScene, golden: Golden) -> None:
    scaling.serve()
    with operated(scaling):
        begin_raise(scaling)
        until_raised(scaling, golden)
