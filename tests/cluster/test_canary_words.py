"""What people say to a canary by annotation: each word for one step, used up once."""

import pytest

from controllers.api.modelcanary import ABORT, APPROVE
from tests.cluster.oracle import History
from tests.cluster.scene import Scene

pytestmark = pytest.mark.cluster


def test_a_pause_waits_for_an_approval_of_its_own_step_and_uses_it_up(scene: Scene) -> None:
    scene.create(
        steps=[
            {"weight": 20, "minDuration": "2s", "pause": {}},
            {"weight": 50, "minDuration": "2s", "pause": {}},
        ]
    )
    scene.until_phase("Paused")
    scene.annotate(APPROVE, "1/2")
    scene.until(lambda: "AnnotationRefused" in scene.told(), 10, "the wrong step is refused")
    scene.until(lambda: APPROVE not in scene.annotations(), 10, "the refused word is gone")
    assert (scene.status().phase, scene.green()) == ("Paused", 20)

    scene.annotate(APPROVE, "1/1")
    scene.until_green(50)
    assert scene.annotations() == {}
    scene.until_phase("Paused")
    # The word for the first step was used up, and says nothing about the second.
    assert scene.status().at == "1/2"
    scene.always(lambda: scene.green() == 50, 4, "the second pause waits for its own approval")
    scene.annotate(APPROVE)
    scene.until_phase("Promoted", 40)
    assert History(scene.cluster, scene.namespace).shares() == [20, 50, 100]


def test_an_abort_takes_the_traffic_back_at_once_and_is_no_verdict(scene: Scene) -> None:
    scene.create(steps=[{"weight": 20, "minDuration": "1h"}])
    scene.until_green(20)
    scene.annotate(ABORT)
    status = scene.until_phase("RolledBack", 10)
    assert scene.weights() == {"blue": 100, "green": 0}
    assert status.verdict == "Inconclusive"
    assert scene.told()[-2:] == ["Aborted", "RolledBack"]
    scene.until(lambda: scene.annotations() == {}, 5, "the annotation is gone")
    scene.until(lambda: scene.finalizers() == [], 5, "nothing is left to undo")
