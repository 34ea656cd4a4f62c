"""Blocks and a clock that is set: nothing is judged twice, and nothing waits for a wrong time."""

import pytest

from controllers.api.modelcanary.spec import Analysis
from controllers.api.modelcanary.status import CountEvidence, Evidence
from controllers.modelcanary.blocks import block, first, past, wait

ANALYSIS = Analysis(interval="10s", scrape_interval="5s")
NOW = 1_000_003.0
AHEAD = 1_000_300
COUNTS = (CountEvidence(guardrail="errors", edge="", data="{}"),)


def _past(**evidence: object) -> Evidence:
    return past(Evidence.model_validate(evidence), ANALYSIS, "uid", NOW)


def test_what_was_tried_in_vain_ahead_of_time_is_tried_again() -> None:
    found = _past(instant=999_990, tried=AHEAD, counts=COUNTS)
    assert block(found, ANALYSIS).until == 1_000_000
    assert wait(found, ANALYSIS, NOW) < 10


def test_a_run_that_began_ahead_of_time_begins_now() -> None:
    assert _past(instant=AHEAD).instant == first(NOW, ANALYSIS, "uid")


def test_a_weight_that_moved_ahead_of_time_has_moved_by_now() -> None:
    assert NOW < _past(instant=999_990, open_from=AHEAD, counts=COUNTS).open_from < NOW + 15


def test_what_was_measured_before_a_clock_was_set_back_is_not_judged_twice() -> None:
    found = _past(instant=AHEAD, counts=COUNTS)
    assert found.instant == AHEAD
    assert wait(found, ANALYSIS, AHEAD) > 0


@pytest.mark.parametrize("instant", [999_990, AHEAD])
def test_nobody_waits_longer_than_for_a_block(instant: int) -> None:
    evidence = Evidence(instant=instant, counts=COUNTS)
    assert wait(evidence, ANALYSIS, NOW) <= 15


def test_what_lies_in_the_past_stays_as_it_is() -> None:
    evidence = Evidence(instant=999_980, tried=999_990, open_from=1_000_010, counts=COUNTS)
    assert past(evidence, ANALYSIS, "uid", NOW) is evidence
