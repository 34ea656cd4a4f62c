"""The clock of the operator's machine jumps: nothing is promoted by it, and the lease is kept."""

import pytest

from controllers.api.modelcanary.status import Phase
from tests.cluster.oracle import History
from tests.cluster.scene import Scene
from tests.faults.stage import Golden, begin_promotion, operated, until_promoted

pytestmark = pytest.mark.cluster

JUDGED = 8.0
"""Seconds for which the step is to be judged."""
WRONG = 4.0
"""Seconds for which the clock is wrong, each time."""
JUMPS = (300.0, -300.0)
BLOCK = 2.0
"""Seconds of a block: one may begin while the clock is wrong and end when it is right."""


def test_a_clock_that_jumps_ahead_and_back_promotes_nothing_early(
    bare_scene: Scene, golden: Golden
) -> None:
    scene = bare_scene
    scene.serve()
    with operated(scene, program="tests.faults.skewed") as stage:
        begin_promotion(scene, steps=[{"weight": 50, "minDuration": f"{JUDGED:.0f}s"}])
        scene.until_green(50)
        for seconds in JUMPS:
            stage.operator.set_clock(seconds)
            scene.always(
                lambda: scene.status().phase is Phase.PROGRESSING, WRONG, "it is judged still"
            )
            scene.until(stage.operator.leads, 10, "it holds the lease")
        stage.operator.set_clock(0)
        until_promoted(scene, golden, 60)
        raised, promoted = History(scene.cluster, scene.namespace).route_writes()
        # By the API server's clock, which was right: the wrong times were not judged.
        lasted = promoted.request.began - raised.request.ended
        assert lasted > JUDGED + (WRONG - BLOCK) * len(JUMPS)
        scene.until(stage.operator.leads, 10, "it holds the lease")
        assert not stage.kubelet.ends
