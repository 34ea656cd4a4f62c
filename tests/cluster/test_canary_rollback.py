"""A bad release loses the traffic on evidence, and may be tried again."""

import pytest

from controllers.api.modelcanary import RETRY
from hack.cluster.traffic import by_version
from tests.cluster.oracle import History
from tests.cluster.scene import ERRORS, Scene

pytestmark = pytest.mark.cluster


def test_errors_roll_a_release_back_and_a_retry_tries_it_again(scene: Scene) -> None:
    scene.models["green"].set(errors=0.4)
    scene.create()
    status = scene.until_phase("RolledBack", 60)
    assert scene.weights() == {"blue": 100, "green": 0}
    assert (status.verdict, status.returning, status.evidence) == ("Fail", None, None)
    assert scene.says("Regressed")[0] == "True"
    assert scene.says("Passed")[:2] == ("False", "Fail")
    (errors,) = status.guardrails
    assert errors.state == "Regressed"
    assert errors.candidate is not None
    assert errors.candidate.bad > 0
    assert errors.ratio_low is not None
    assert scene.told()[-2:] == ["Regressed", "RolledBack"]
    seen = by_version(scene.answers())
    assert seen["7"][1] == 0
    assert seen["8"][1] >= errors.candidate.bad
    scene.always(lambda: scene.green() == 0, 3, "a rolled-back release stays rolled back")

    scene.models["green"].set(errors=0.0)
    scene.annotate(RETRY)
    scene.until_green(20)
    assert scene.status().at == "2/1"
    scene.until(lambda: RETRY not in scene.annotations(), 5, "the annotation is gone")
    assert History(scene.cluster, scene.namespace).shares() == [20, 0, 20]


def test_latency_rolls_a_release_back_although_nothing_fails(scene: Scene) -> None:
    slow = {"name": "latency", "type": "Latency", "preset": "Envoy", "edge": "25ms"}
    scene.models["green"].set(latency_ms=60)
    scene.create(guardrails=[ERRORS, {**slow, "floor": "0.05"}])
    status = scene.until_phase("RolledBack", 60)
    assert scene.weights() == {"blue": 100, "green": 0}
    states = {one.name: one for one in status.guardrails}
    assert states["latency"].state == "Regressed"
    assert states["errors"].state != "Regressed"
    assert states["errors"].candidate is not None
    assert states["errors"].candidate.bad == 0
    assert scene.told()[-2:] == ["Regressed", "RolledBack"]
    assert History(scene.cluster, scene.namespace).shares() == [20, 0]
