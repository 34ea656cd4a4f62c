"""A good release takes all of the traffic, and the next one takes it on the other arm."""

import pytest

from hack.cluster.traffic import by_version
from tests.cluster.oracle import History
from tests.cluster.scene import ERRORS, Scene

pytestmark = pytest.mark.cluster

LATENCY = {
    "name": "latency",
    "type": "Latency",
    "preset": "Istio",
    "edge": "25ms",
    "floor": "0.05",
}


def test_a_good_release_is_promoted_on_both_presets_and_the_next_one_on_the_other_arm(
    scene: Scene,
) -> None:
    scene.create(guardrails=[ERRORS, LATENCY])
    status = scene.until_phase("Promoted", 90)
    assert scene.weights() == {"blue": 0, "green": 100}
    assert status.verdict == "Pass"
    assert status.stable is not None
    assert (status.stable.arm, status.stable.version) == ("green", "8")
    assert [one.state for one in status.guardrails] == ["Certified", "Certified"]
    assert all(one.candidate and one.candidate.requests > 150 for one in status.guardrails)
    scene.until(lambda: scene.finalizers() == [], 10, "nothing holds up a deletion")
    told = scene.told()
    assert told.index("Adopted") < told.index("RunStarted") < told.index("WeightRaised")
    assert told[-2:] == ["Certified", "Promoted"]

    scene.release("blue", "9")
    scene.until(lambda: scene.status().run == 2, 20, "a second run has begun")
    scene.until_phase("Promoted", 90)
    assert scene.weights() == {"blue": 100, "green": 0}
    history = History(scene.cluster, scene.namespace)
    assert history.shares() == [20, 50, 100, 20, 50, 100]
    seen = by_version(scene.answers())
    assert set(seen) == {"7", "8"}
    assert all(bad == 0 for _, bad in seen.values())
