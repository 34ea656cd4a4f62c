"""Releases of model servers that are pods, judged by an operator that is one."""

from hack.cluster.traffic import by_version
from tests.cluster.scene import ARMS
from tests.e2e.stories.stage import Stage


def test_a_good_release_is_promoted_in_its_steps_without_a_failed_request(stage: Stage) -> None:
    stage.serve()
    arms = [{"name": arm, "host": stage.arm_host(arm), "deployment": arm} for arm in ARMS]
    stage.create(arms=arms)
    status = stage.until_phase("Promoted")
    assert status.verdict == "Pass"
    assert stage.weights() == {"blue": 0, "green": 100}
    assert stage.shares_were(20, 50, 100)
    assert stage.finalizers() == []
    seen = stage.answers()
    assert {one.status for one in seen} == {200}
    assert set(by_version(seen)) == {"7", "8"}


def test_a_bad_release_is_rolled_back_and_returns_all_traffic(stage: Stage) -> None:
    stage.serve(errors=0.2)
    stage.create()
    status = stage.until_phase("RolledBack")
    assert status.verdict == "Fail"
    assert stage.weights() == {"blue": 100, "green": 0}
    assert stage.shares_were(20, 0)
    bad = by_version(stage.answers())["8"][1]
    assert 0 < bad < 200
