"""Limits that people set: a maximum lowered under load, none at all, and what a deletion leaves."""

import pytest

from controllers.plan import FINALIZER
from tests.cluster.autoscaler_scene import DEMAND, EACH, NAME, PACE, QUEUE, ScalingScene

pytestmark = pytest.mark.cluster

BUSY = 3.5 * EACH
ACTIVATION = {"name": "wanted", "role": "Activation", "preset": "Envoy"}


def test_a_maximum_lowered_under_load_is_reached_by_the_pace_of_decreases(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.lowered = True
    scene.operate()
    scene.serve(replicas=6)
    scene.load(BUSY)
    scene.create()
    scene.until_measured()
    scene.change(maxReplicas=2)
    scene.until_replicas(2)
    down = [(one.before, one.after) for one in scene.scalings().ours()]
    assert down[-2:] in ([(6, 3), (3, 2)], [(5, 3), (3, 2)], [(7, 4), (4, 2)], [(8, 4), (4, 2)])
    scene.always(lambda: scene.replicas() == 2, 3, "no more than may be")
    scene.until(
        lambda: scene.status().decision.limited_by == "Maximum", 10, "the maximum is what limits"
    )
    scene.change(maxReplicas=8)
    scene.until_replicas(4, 8)


def go_to_zero(scene: ScalingScene) -> None:
    """A few requests, and none for long enough."""
    idle = {"idle": f"{PACE.hold}s"}
    scene.operate()
    scene.serve()
    scene.create(minReplicas=0, signals=[DEMAND, QUEUE, ACTIVATION], scaleToZero=idle)
    load = scene.load(2.0, seconds=3)
    scene.until_measured()
    load.wait(60 * PACE.stretch)
    scene.until_replicas(0, seconds=40)
    assert FINALIZER in scene.finalizers()


def test_to_zero_when_nothing_comes_in_and_back_with_the_first_requests(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    go_to_zero(scene)
    scene.until(lambda: scene.status().replicas.ready == 0, 10, "none is left")
    scene.until_says("Ready", "True")
    load = scene.load(BUSY)
    scene.until_replicas(1, 8, seconds=15)
    scene.until(lambda: load.answers()[-1].status == 200, 20, "requests are answered again")
    scene.until(lambda: scene.finalizers() == [], 10, "nothing is left to give back")
    scene.until_replicas(4, 8)


def test_deleted_at_zero_it_gives_the_first_replica_back(scaling: ScalingScene) -> None:
    scene = scaling
    go_to_zero(scene)
    scene.delete()
    scene.until(lambda: scene.autoscaler() is None, 15, "it is gone")
    assert scene.replicas() == 1
    assert scene.told()[-1] == "Restored"


def test_deleted_above_zero_it_leaves_the_replicas_as_they_are(scaling: ScalingScene) -> None:
    scene = scaling
    scene.operate()
    scene.serve(replicas=3)
    scene.create(minReplicas=2)
    scene.until_says("Accepted", "True")
    scene.delete()
    scene.until(lambda: scene.autoscaler() is None, 10, f"{NAME} is gone")
    scene.always(lambda: scene.replicas() == 3, 3, "nothing changes")


def test_advice_and_suspension_say_the_number_and_write_nothing(scaling: ScalingScene) -> None:
    scene = scaling
    scene.operate()
    scene.serve()
    scene.load(BUSY)
    scene.create(mode="Advisory")
    scene.until(lambda: scene.status().replicas.desired >= 4, 30, "four are advised")
    status = scene.status()
    assert status.reason == "Advised"
    assert status.message.startswith(f"would go from 1 to {status.replicas.desired}: ")
    scene.change(mode="Active", suspend=True)
    scene.until(lambda: scene.status().reason == "Suspended", 10, "it is suspended")
    assert scene.scalings().ours() == []
    scene.change(suspend=False)
    scene.until_replicas(4, 8)
