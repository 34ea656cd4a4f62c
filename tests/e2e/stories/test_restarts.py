"""Replicas of the operator go in mid-run: another goes on where they stood, and repeats nothing."""

from hack.cluster.cluster import Cluster
from tests.cluster.test_canary_leaders import TAKEOVER
from tests.e2e.stories import processes
from tests.e2e.stories.stage import Stage


def until_another_leads(stage: Stage, before: str, seconds: float) -> None:
    stage.until(
        lambda: stage.chart.leader() not in {"", before}, seconds, "the other replica leads"
    )


def promoted_once(stage: Stage) -> None:
    """The end of each of these stories: as if nothing had happened."""
    stage.until_phase("Promoted", 90)
    assert stage.weights() == {"blue": 0, "green": 100}
    assert stage.shares_were(20, 50, 100)
    assert stage.status().run == 1
    assert {one.status for one in stage.answers()} == {200}


def test_a_deleted_leader_hands_over_at_once_and_is_replaced(stage: Stage) -> None:
    stage.serve()
    stage.create()
    stage.until_green(20)
    first, before = stage.chart.leader(), set(stage.chart.pods())
    stage.chart.pod(first, "delete", "--wait=false")
    until_another_leads(stage, first, 12)
    assert stage.chart.leader() in before
    promoted_once(stage)
    stage.until(lambda: len(stage.chart.ready()) == 2, 30, "there are two replicas again")


def test_a_leader_whose_pod_is_gone_without_a_word_is_replaced_in_time(stage: Stage) -> None:
    stage.serve()
    stage.create()
    stage.until_green(20)
    first = stage.chart.leader()
    stage.chart.pod(first, "delete", "--force", "--grace-period=0", "--wait=false")
    until_another_leads(stage, first, TAKEOVER + 5)
    promoted_once(stage)


def test_a_killed_leader_is_replaced_in_time_and_its_pod_stands_by(
    stage: Stage, ours: Cluster
) -> None:
    stage.serve()
    stage.create()
    stage.until_green(20)
    first = stage.chart.leader()
    uid = stage.chart.pods()[first]["metadata"]["uid"]
    assert processes.kill(uid, "modelyard") == 1
    until_another_leads(stage, first, TAKEOVER + 5)
    promoted_once(stage)
    stage.until(lambda: len(stage.chart.ready()) == 2, 30, "the killed one stands by")
    assert stage.chart.restarts() == 1
    assert not stage.chart.readiness(first)["leader"]
