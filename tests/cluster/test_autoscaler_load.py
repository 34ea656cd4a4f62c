"""The load changes: replicas are there for it, go when they may, and no request is lost by it."""

from itertools import pairwise

import pytest

from hack.cluster.traffic import Answer, Traffic
from tests.cluster.autoscaler_scene import EACH, PACE, ScalingScene

pytestmark = pytest.mark.cluster

QUIET = 8.0
BUSY = 3.5 * EACH
"""Four replicas answer it; with their waits a tenth of the time beyond a second, five."""


def begin(scene: ScalingScene, *, replicas: int = 1) -> None:
    scene.operate()
    scene.serve(replicas=replicas)


def answers(load: Traffic) -> list[Answer]:
    """Every answer: each is a good one. What was under way as the load was stopped is none."""
    found = load.stop()
    assert {one.status for one in found} == {200}
    return found


def test_a_spike_is_met_at_once_and_no_answer_is_an_error(scaling: ScalingScene) -> None:
    scene = scaling
    begin(scene)
    load = scene.load([(0, QUIET), (14, QUIET), (14, BUSY)])
    scene.create()
    scene.until_measured()
    assert scene.replicas() == 1
    scene.until_replicas(2, 8)
    scene.until_settled(4, 7)
    found = load.stop()
    # Callers give up after ten seconds: a replica that takes a minute comes too late for some.
    assert {one.status for one in found} <= {200, 0}
    last = [one.seconds for one in found[-100:]]
    assert sum(second <= 1.1 for second in last) >= 90, "the promise is kept again"
    scene.until(
        lambda: scene.status().reversals24h == scene.scalings().reversals(), 10, "they are counted"
    )
    assert scene.status().reversals24h <= 2


def test_a_slow_rise_is_followed_without_a_step_back(scaling: ScalingScene) -> None:
    scene = scaling
    begin(scene)
    load = scene.load([(0, QUIET), (10, QUIET), (35, BUSY)])
    scene.create()
    scene.until_measured()
    scene.until_settled(4, 7, seconds=60)
    path = scene.scalings().path()
    rise = path[: path.index(max(path)) + 1]
    assert rise == sorted(rise), path
    late = [one for one in answers(load) if one.seconds > 1.1]
    assert len(late) < 0.1 * len(load.answers())


def test_after_a_drop_nothing_goes_within_the_hold_and_then_it_goes_step_by_step(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    begin(scene, replicas=6)
    load = scene.load([(0, BUSY + EACH), (14, BUSY + EACH), (14, QUIET)])
    scene.create()
    scene.until_measured()
    scene.until(lambda: (scene.status().demand.now or BUSY) <= QUIET + 1, 40, "the load is gone")
    scene.until_replicas(1, seconds=40)
    steps = scene.scalings().ours()
    down = steps[[one.after < one.before for one in steps].index(True) :]
    assert all(one.after >= one.before // 2 for one in down), "by half at most"
    for first, second in pairwise(down):
        assert second.at - first.at >= PACE.fall - 1.0, "one step in a period"
    answers(load)
    assert scene.scalings().reversals() <= 1
