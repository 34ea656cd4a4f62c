"""A deleted canary leaves no traffic on a release that nobody judges any more."""

import time

import pytest

from hack.cluster.traffic import by_version
from tests.cluster.oracle import History
from tests.cluster.scene import Scene

pytestmark = pytest.mark.cluster

ONE_STEP = [{"weight": 20, "minDuration": "1h"}]


def test_in_a_run_the_traffic_is_back_before_the_object_goes_and_no_request_fails(
    scene: Scene,
) -> None:
    scene.create(steps=ONE_STEP)
    scene.until_green(20)
    scene.delete()
    scene.until(lambda: scene.canary() is None, 40, "the canary is gone")
    gone = time.time()
    assert scene.weights() == {"blue": 100, "green": 0}
    assert scene.told()[-1] == "ReturnedToStable"
    scene.until(lambda: time.time() > gone + 2, 5, "traffic went on for two seconds")
    seen = scene.answers()
    assert all(one.status == 200 for one in seen)
    assert set(by_version([one for one in seen if one.at > gone])) == {"7"}
    assert History(scene.cluster, scene.namespace).shares() == [20, 0]


def test_in_a_run_without_traffic_it_goes_too(scene: Scene) -> None:
    scene.create(steps=ONE_STEP)
    scene.until_green(20)
    assert scene.traffic is not None
    scene.traffic.stop()
    scene.delete()
    scene.until(lambda: scene.canary() is None, 40, "the canary is gone")
    assert scene.weights() == {"blue": 100, "green": 0}
    assert scene.told()[-1] == "ReturnedToStable"


def test_at_rest_it_moves_nothing(scene: Scene) -> None:
    scene.create(release={"arm": "blue", "version": "7"})
    scene.until_phase("Settled", 20)
    assert scene.finalizers() == []
    scene.delete()
    scene.until(lambda: scene.canary() is None, 10, "the canary is gone")
    assert scene.weights() == {"blue": 100, "green": 0}
    assert History(scene.cluster, scene.namespace).shares() == []
