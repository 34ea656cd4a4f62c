"""The operator is exchanged in mid-run, for a later one and for the former one again."""

from controllers.api.modelcanary import APPROVE
from tests.e2e.stories.release import KINDS_BEFORE, OPERATOR_BEFORE
from tests.e2e.stories.stage import Stage

STEPS: list[dict[str, object]] = [
    {"weight": weight, "minDuration": "4s", "pause": {}} for weight in (20, 50)
]
"""A pause after each, so that no step is over before the operators are exchanged in it."""


def test_an_upgrade_and_its_rollback_lose_no_status_and_repeat_no_step(stage: Stage) -> None:
    stage.chart.uninstall()
    stage.chart.install_kinds(KINDS_BEFORE)
    stage.chart.install(chart=OPERATOR_BEFORE)
    stage.serve()
    stage.create(steps=STEPS)
    stage.until_green(20)

    stage.chart.install_kinds()
    stage.chart.install()
    assert stage.green() == 20
    stage.until_phase("Paused")
    stage.annotate(APPROVE)
    stage.until_green(50)

    stage.chart.roll_back()
    assert stage.chart.version() == "modelyard-0.0.1"
    assert stage.green() == 50
    stage.until_phase("Paused")
    stage.annotate(APPROVE)
    stage.until_phase("Promoted")
    assert stage.status().run == 1
    assert stage.shares_were(20, 50, 100)
    assert {one.status for one in stage.answers()} == {200}
