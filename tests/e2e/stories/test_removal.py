"""The operator is removed with objects left, to come again or to go for good."""

from controllers.plan import FINALIZER
from tests.e2e.stories.stage import Stage


def test_what_an_uninstall_leaves_stands_still_and_the_next_operator_goes_on(stage: Stage) -> None:
    stage.serve()
    stage.create()
    stage.until_green(20)
    stage.chart.uninstall()
    assert stage.canary() is not None, "the kinds and their objects stay"
    stage.always(lambda: stage.green() == 20, 6, "the weight is as it was")
    assert stage.finalizers() == [FINALIZER]

    stage.chart.install()
    stage.until_phase("Promoted", 90)
    assert stage.status().run == 1
    assert stage.shares_were(20, 50, 100)
    assert {one.status for one in stage.answers()} == {200}


def test_a_farewell_returns_the_traffic_and_frees_what_is_held(stage: Stage) -> None:
    stage.chart.install("--set=leave.enabled=true")
    stage.serve()
    stage.create()
    stage.until_green(20)
    assert stage.finalizers() == [FINALIZER]
    stage.chart.uninstall()
    assert stage.weights() == {"blue": 100, "green": 0}
    assert stage.finalizers() == []
    assert stage.shares_were(20, 0)
    stage.delete()
    stage.until(lambda: stage.canary() is None, 10, "nothing holds it")
