"""Two replicas: one acts, the other takes over, and no write of the old one stays."""

import time

import pytest

from controllers.api.modelcanary import ABORT
from tests.cluster.operator import SECOND, Operator
from tests.cluster.oracle import History, check
from tests.cluster.scene import Scene

pytestmark = pytest.mark.cluster

TAKEOVER = 20.0
"""Seconds within which a standby acts once the leader is silent."""


def standby(scene: Scene) -> Operator:
    one = scene.operate(account=SECOND)
    scene.until(scene.operator.leads, 10, "the first one leads")
    assert not one.leads()
    return one


def test_a_stopped_leader_is_replaced_in_time_and_ends_when_it_goes_on(scene: Scene) -> None:
    other = standby(scene)
    scene.stale_writes = 1
    scene.create()
    scene.until_green(20)
    scene.operator.pause()
    stopped = time.monotonic()
    scene.until(other.leads, TAKEOVER, "the standby leads")
    scene.until_green(50, 25 - (time.monotonic() - stopped) + 20)
    scene.until(lambda: time.monotonic() > stopped + 25, 30, "25 s are over")
    scene.operator.resume()
    scene.until(lambda: not scene.operator.running(), 15, "the old leader has ended")
    assert scene.operator.heard("ending, because (another replica took|the lease was not renewed)")
    scene.until_phase("Promoted", 60)
    history = History(scene.cluster, scene.namespace)
    writers = [one.request.user for one in history.route_writes()]
    assert history.shares() == [20, 50, 100]
    assert writers == [scene.operator.user, other.user, other.user]


def test_the_one_stale_write_of_a_leader_stopped_after_its_fence_is_repaired(
    bare_scene: Scene,
) -> None:
    scene = bare_scene
    scene.serve()
    scene.operate(program="tests.cluster.stopping_operator")
    scene.until(scene.operator.leads, 20, "the first replica leads")
    other = standby(scene)
    scene.stale_writes = 1
    scene.create(steps=[{"weight": 20, "minDuration": "1h"}])
    scene.until(scene.operator.stopped, 40, "the leader stands still before its first write")
    assert scene.green() == 0
    scene.annotate(ABORT)
    scene.until_phase("RolledBack", TAKEOVER + 10)
    assert History(scene.cluster, scene.namespace).shares() == []

    scene.operator.resume()
    scene.until(lambda: not scene.operator.running(), 15, "the old leader has ended")
    scene.until(lambda: "ForeignEdit" in scene.told(), 10, "the stale write is reported")
    scene.until(lambda: scene.green() == 0, 10, "the stale write is repaired")
    history = History(scene.cluster, scene.namespace)
    with pytest.raises(AssertionError):
        check(history)  # what is held against every other story would have found it
    writes = history.route_writes()
    assert [(one.percent, one.request.user) for one in writes] == [
        (20, scene.operator.user),
        (0, other.user),
    ]
    assert scene.status().phase == "RolledBack"


def test_a_leader_that_is_told_to_stop_hands_over_at_once(scene: Scene) -> None:
    other = standby(scene)
    scene.create()
    scene.until_green(20)
    scene.operator.terminate()
    # Far less than the 15 s that its lease would have run.
    scene.until(other.leads, 8, "the standby leads")
    scene.until(lambda: not scene.operator.running(), 10, "the old leader has ended")
    assert scene.operator.heard("stopped")
    scene.until_green(50)
    assert History(scene.cluster, scene.namespace).shares() == [20, 50]
