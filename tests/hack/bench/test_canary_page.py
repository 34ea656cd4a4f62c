"""The benchmark from end to end, small: its page is whole and its targets are judged."""

import math
import re

import pytest

from hack.bench.canary import latency, page, targets
from hack.bench.canary.hindsight import best
from hack.bench.canary.ramp import steps
from hack.bench.canary.report import sections
from hack.bench.canary.study import Size, Study, study


@pytest.fixture(scope="module")
def small() -> Study:
    """The whole study in miniature: twelve minutes instead of fifty, and a few healthy ones."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as shorter:
        shorter.setattr("hack.bench.canary.study.steps", lambda _=0.0, tick=15.0: steps(12.0, tick))
        shorter.setattr("hack.bench.canary.study.HEALTHY", {"after 2 h": 1.0, "after 12 h": 2.0})
        shorter.setattr("hack.bench.canary.latency.FAULTS", latency.FAULTS[:2])
        done = study(Size(runs=40, seed=3, quick=True), said.append)
    assert said
    return done


def test_the_page_shows_every_table_and_the_command_that_made_it(small: Study) -> None:
    text = page.page(small.size, sections(small))
    assert "python -m hack.bench.canary --quick --runs 40 --seed 3" in text
    assert "{{" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 100
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    for this, following, line in zip(widths, widths[1:], rows[1:], strict=False):
        if line.startswith("| ---"):
            assert this == following


def test_every_promise_is_a_target_and_is_judged(small: Study) -> None:
    found = targets.targets(small)
    assert len(found) == 8 + 6
    assert all(target.met == (target.reached <= target.limit) for target in found)
    table = targets.show(found)
    assert all(target.what in table for target in found)


def test_a_quiet_setting_keeps_to_the_null_worlds_and_a_sharp_one_finds(small: Study) -> None:
    for chosen in small.best:
        again = best(chosen.family, [chosen.quiet, chosen.sharp], small.nulls, small.fault(2.0))
        assert (again.quiet, again.sharp) == (chosen.quiet, chosen.sharp)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        # 10 blocks end 2.5 minutes after the first instant, 2.4 after the weight; 3 are dropped.
        pytest.param(2.4 + 5.0 / 60.0, 1.75, id="in the first step"),
        pytest.param(12.4 + 5.0 / 60.0, 11.0, id="in the second step"),
        pytest.param(math.inf, math.inf, id="never"),
    ],
)
def test_judged_minutes_leave_out_what_was_dropped(minutes: float, expected: float) -> None:
    assert targets.judged(steps(), minutes) == pytest.approx(expected)
