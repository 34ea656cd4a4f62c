"""The operator is killed at each point of a decision: nothing is lost, doubled or taken away."""

from typing import Any

import pytest

from controllers.plan import FINALIZER
from operators.runtime.resources import DEPLOYMENT
from tests.cluster.autoscaler_scene import AUTOSCALER, DEMAND, EACH, PACE, QUEUE, ScalingScene

pytestmark = pytest.mark.cluster

QUIET = 8.0
BUSY = 3.5 * EACH
# A killed leader's lease runs for 15 s before the next process may act.
AGAIN = 60.0


def refused(scene: ScalingScene) -> None:
    """Returns once a write has met the wall."""
    scene.until(lambda: scene.operator.heard("a wall of the test"), 20, "a write was refused")


def scaled_to(least: int) -> tuple[str, dict[str, Any]]:
    """What a wall needs to refuse a number of replicas from there on."""
    return f"object.spec.replicas >= {least}", {"spec": {"replicas": least}}


def test_with_an_increase_decided_and_not_written_and_with_one_written_and_not_on_record(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.operate()
    scene.serve()
    scene.create()
    scene.until_measured()
    with scene.wall(DEPLOYMENT, *scaled_to(2), "scale"):
        scene.load(BUSY)
        refused(scene)
        assert scene.replicas() == 1
        scene.operator.kill()
    written = "has(object.status.lastScaled) && object.status.lastScaled.toReplicas >= 2"
    probe = {"status": {"lastScaled": {
        "at": "2026-01-01T00:00:00Z", "fromReplicas": 1, "toReplicas": 2, "reason": "Demand",
    }}}  # fmt: skip
    with scene.wall(AUTOSCALER, written, probe, "status"):
        seen = len(scene.operator.log())
        scene.operator.start()
        scene.until_replicas(2, 8, AGAIN)
        scene.until(lambda: "a wall of the test" in scene.operator.log()[seen:], 20, "refused")
        assert scene.status().last_scaled is None
        scene.operator.kill()
    scene.operator.start()
    scene.until(scene.operator.leads, AGAIN, "the next process leads")
    scene.until_replicas(4, 8)
    assert "Edited" not in scene.told(), "its own write is known again"
    path = scene.scalings().path()
    assert path == sorted(path), "nothing was taken away"


def test_within_a_hold_and_between_two_steps_down(scaling: ScalingScene) -> None:
    scene = scaling
    scene.operate()
    scene.serve(replicas=6)
    scene.load(QUIET)
    scene.create()
    scene.until_measured()
    scene.operator.kill()
    scene.operator.start()
    scene.until(scene.operator.leads, AGAIN, "the next process leads")
    scene.always(lambda: scene.replicas() == 6, PACE.hold / PACE.stretch - 2, "a hold begins anew")
    scene.until_replicas(1, 5)
    before = scene.replicas()
    scene.operator.kill()
    scene.always(lambda: scene.replicas() == before, 3, "nobody is there to change it")
    scene.operator.start()
    scene.until_replicas(1, seconds=AGAIN)
    path = scene.scalings().path()
    assert path == sorted(path, reverse=True)
    assert scene.scalings().reversals() == 0


def test_with_zero_written_and_not_on_record_and_deleted_while_nobody_is_there(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.operate()
    scene.serve()
    activation = {"name": "wanted", "role": "Activation", "preset": "Envoy"}
    load = scene.load(2.0, seconds=3)
    written = "has(object.status.lastScaled) && object.status.lastScaled.toReplicas == 0"
    probe = {"status": {"lastScaled": {
        "at": "2026-01-01T00:00:00Z", "fromReplicas": 1, "toReplicas": 0, "reason": "Demand",
    }}}  # fmt: skip
    scene.create(
        minReplicas=0, signals=[DEMAND, QUEUE, activation], scaleToZero={"idle": f"{PACE.hold}s"}
    )
    load.wait(60 * PACE.stretch)
    with scene.wall(AUTOSCALER, written, probe, "status"):
        scene.until_replicas(0, seconds=60)
        refused(scene)
        scene.operator.kill()
    assert FINALIZER in scene.finalizers(), "set before the write that it is for"
    scene.delete()
    assert scene.autoscaler() is not None
    scene.operator.start()
    scene.until(lambda: scene.autoscaler() is None, AGAIN, "it is gone")
    assert scene.replicas() == 1
