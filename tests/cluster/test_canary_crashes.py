"""An operator that is killed (SIGKILL) at any point and started again comes to the same end."""

from typing import Any

import pytest

from controllers.plan import FINALIZER
from controllers.routing.istio import VIRTUAL_SERVICE
from tests.cluster.oracle import History
from tests.cluster.scene import CANARY, Scene

pytestmark = pytest.mark.cluster

# A killed leader's lease runs for 15 s before the next process may act.
AGAIN = 60.0


def again(scene: Scene) -> None:
    """The operator comes back as a new process, which takes the lead when the lease has run out."""
    scene.operator.kill()
    scene.operator.start()


def history_of_a_promotion(scene: Scene) -> None:
    assert History(scene.cluster, scene.namespace).shares() == [20, 50, 100]
    assert scene.told().count("RunStarted") == 1
    assert scene.told().count("Promoted") <= 1
    assert scene.status().run == 1


def green_weighs(weight: int) -> tuple[str, dict[str, Any]]:
    """A CEL expression for a route that gives green that weight, and a patch that would."""
    pair = [
        {"destination": {"host": host}, "weight": share}
        for host, share in (("blue.example", 100 - weight), ("green.example", weight))
    ]
    probe = {"spec": {"http": [{"name": "old", "route": []}, {"name": "primary", "route": pair}]}}
    return f"object.spec.http[1].route[1].weight == {weight}", probe


def test_before_the_first_weight_at_a_step_and_with_a_decision_not_yet_written(
    scene: Scene,
) -> None:
    scene.create()
    scene.until(lambda: scene.status().run == 1, 20, "a run has begun")
    again(scene)
    assert scene.green() == 0
    scene.until_green(20, AGAIN)
    again(scene)

    with scene.wall(VIRTUAL_SERVICE, *green_weighs(50)):

        def decided() -> bool:
            weights = scene.status().weights
            return weights is not None and (weights.desired, weights.applied) == (50, 20)

        scene.until(decided, AGAIN, "50 % is decided and not written")
        assert scene.green() == 20
        scene.operator.kill()
    scene.operator.start()
    scene.until_green(50, AGAIN)
    scene.until_phase("Promoted", 40)
    history_of_a_promotion(scene)


def test_while_certifying_and_with_a_write_not_yet_on_record(scene: Scene) -> None:
    scene.create()
    scene.until_phase("Certifying")
    again(scene)
    written = "object.status.weights.arm == 'green' && object.status.weights.applied == 100"
    probe = {"status": {"weights": {"arm": "green", "desired": 100, "applied": 100}}}
    with scene.wall(CANARY, written, probe, "status"):
        scene.until(lambda: scene.green() == 100, AGAIN, "green has 100 % in the route")
        scene.until(lambda: scene.operator.heard("a wall of the test"), 10, "it was refused")
        weights = scene.status().weights
        assert weights is not None
        assert (weights.desired, weights.applied) == (100, 50)
        scene.operator.kill()
    scene.operator.start()
    scene.until_phase("Promoted", AGAIN)
    assert "ForeignEdit" not in scene.told(), "its own write is known again"
    history_of_a_promotion(scene)


def test_while_the_traffic_goes_back(scene: Scene) -> None:
    scene.models["green"].set(errors=0.5)
    with scene.wall(VIRTUAL_SERVICE, f"({green_weighs(0)[0]})", green_weighs(0)[1]):
        scene.create()
        scene.until_phase("RollingBack")
        scene.until(lambda: "WriteRefused" in scene.told(), 10, "it was refused, and that is told")
        assert scene.green() == 20
        scene.operator.kill()
    scene.models["green"].set(errors=0.0)  # What was found stays found, whatever is measured now.
    scene.operator.start()
    status = scene.until_phase("RolledBack", AGAIN)
    assert scene.weights() == {"blue": 100, "green": 0}
    assert status.verdict == "Fail"
    assert History(scene.cluster, scene.namespace).shares() == [20, 0]
    assert scene.told().count("RunStarted") == 1


def test_a_canary_deleted_while_nobody_is_there_waits_for_the_next_process(scene: Scene) -> None:
    scene.create(steps=[{"weight": 20, "minDuration": "1h"}])
    scene.until_green(20)
    scene.operator.kill()
    scene.delete()
    assert scene.finalizers() == [FINALIZER]
    scene.operator.start()
    scene.until(lambda: scene.canary() is None, AGAIN, "the canary is gone")
    assert scene.weights() == {"blue": 100, "green": 0}
    assert scene.told()[-1] == "ReturnedToStable"
