"""Parts of the cluster go away in mid-run and come back: what is not known moves nothing."""

from hack.cluster.cluster import Cluster
from tests.e2e.stories.stage import Stage


def test_a_kubelet_that_is_away_and_comes_back_disturbs_no_run(stage: Stage, ours: Cluster) -> None:
    before = stage.chart.restarts()
    stage.serve()
    stage.create()
    stage.until_green(20)
    ours.part("kubelet").kill()
    try:
        stage.until_green(50)
    finally:
        ours.part("kubelet").start()
    stage.until_phase("Promoted")
    assert stage.shares_were(20, 50, 100)
    assert {one.status for one in stage.answers()} == {200}
    stage.until(lambda: len(stage.chart.ready()) == 2, 30, "both replicas are Ready")
    assert stage.chart.restarts() == before


def test_while_prometheus_is_away_no_weight_moves_and_then_the_run_goes_on(
    stage: Stage, ours: Cluster
) -> None:
    stage.serve()
    stage.create()
    stage.until_green(20)
    ours.part("prometheus").stop()
    try:
        stage.until(
            lambda: stage.says("MetricsAvailable")[:2] == ("False", "Failed"), 30, "it says so"
        )
        stage.always(lambda: stage.green() == 20, 12, "the weight is held")
        assert stage.status().phase == "Progressing"
    finally:
        ours.part("prometheus").start()
    stage.until_phase("Promoted", 90)
    assert stage.shares_were(20, 50, 100)
