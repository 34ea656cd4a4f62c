"""A small study goes all the way to the page, with a reactive rule in the place of ours."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np
import pytest

from hack.bench.autoscaler import plots, report, study, targets
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.compare import Compared
from hack.bench.autoscaler.coverage import Held
from hack.bench.autoscaler.families import OBJECTIVES, OURS, RIVALS, STATIC
from hack.bench.autoscaler.page import FRAME, page
from hack.bench.autoscaler.policy import Family
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.study import Cell, Size, Study
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting

SIZE = Size(seeds=2, days=2, sparse=True)
HOUR = 3600


class Reactive:
    """A quarter more than the rate of the last minute, and never fewer than in five minutes."""

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting) -> None:
        self._rate = setting.service.rate
        self._window = np.zeros((20, len(lanes)), np.int64)

    def decide(self, seen: Seen) -> IntArray:
        rate = np.nan_to_num(seen.rate(60), nan=0.0)
        blind = seen.failed | (seen.reporting < 1.0)
        wanted = np.ceil(1.25 * rate / self._rate + seen.backlog / 200.0)
        self._window[seen.now // SCRAPE % 20] = np.where(blind, seen.desired, np.nan_to_num(wanted))
        held: IntArray = np.maximum(self._window.max(axis=0), 1)
        return held


REACTIVE = Family(OURS.name, Reactive, OBJECTIVES)


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    """Two cells of two "days" of two hours each."""
    draw = np.random.default_rng(5)
    swing = 200.0 * (1.0 + 0.5 * np.sin(np.arange(5 * HOUR) / HOUR))
    setting = Setting(Service(), draw.poisson(swing, (2, 5 * HOUR)), HOUR // 2, 100)
    families = [*map(SIZE.family, RIVALS), REACTIVE]
    span = (HOUR, 5 * HOUR, 2 * HOUR)
    return study._cells("waves", setting, families, (60.0, 180.0), span)


@pytest.fixture(scope="module")
def done(cells: list[Cell]) -> Study:
    held = [Held(60.0, level, level, 0.2) for level in (0.95, 0.98)]
    calm = [run for run in cells[0].runs if run.setting in (0.6, 0.99)]
    troubles = [study.Trouble(run.family, fault, 0, run) for fault in ("", "storm") for run in calm]
    return Study(SIZE, cells, cells[:1], troubles, {"waves": held})


def test_a_cell_has_every_policy_in_every_setting(cells: list[Cell]) -> None:
    found = {(run.family, run.setting) for run in cells[0].runs}
    expected = {(one.name, target) for one in map(SIZE.family, RIVALS) for target in one.settings}
    assert expected < found
    assert {family for family, _ in found - expected} == {OURS.name, STATIC}


def test_nobody_is_cheaper_than_the_work_and_the_peak_serves_everyone(cells: list[Cell]) -> None:
    for cell in cells:
        assert cell.floor < cell.reference
        compared = Compared(cell)
        assert compared.static().attained == 1.0
        for score in compared.scores.values():
            if score.attained > 0.999:
                assert score.billed > cell.floor


def test_the_targets_are_told_with_their_intervals(done: Study) -> None:
    found = targets.targets(done)
    assert [one.what[:3] for one in found] == ["(a)", "(a)", "(b)"] * 2 + [
        f"({letter})" for letter in "cdefg"
    ]
    by_letter = {one.what[:3]: one for one in found}
    assert re.fullmatch(r"[\d.]+ % \([\d.]+ % to [\d.]+ %\)", by_letter["(d)"].reached)
    assert by_letter["(e)"].met
    assert by_letter["(f)"].met
    assert targets.show(found).count("\n") == len(found) + 2


def test_without_a_difference_there_is_none(cells: list[Cell]) -> None:
    """Ours is dearer than itself by nothing."""
    cell = cells[0]
    twin = [run for run in cell.runs if run.family == OURS.name and run.setting == OBJECTIVES[0]]
    scores = [run.score() for run in twin]
    front = Compared(cell).front(OURS.name)
    assert front.cost(scores[0].attained) == pytest.approx(scores[0].billed)


def test_the_page_has_every_table(done: Study) -> None:
    text = page({**report.sections(done), "command": "x", "seeds": "2"})
    assert "{{" not in text
    assert "nan" not in text
    assert "### waves @180 s" in text
    assert text.count("storm") == len(done.chaos) // 2


def test_a_frame_that_calls_for_something_unknown_is_refused() -> None:
    assert "{{targets}}" in FRAME.read_text(encoding="utf-8")
    with pytest.raises(KeyError):
        page({})


def test_plots_are_drawings_with_a_line_for_each(done: Study) -> None:
    drawn = [plots.cost_against_slo(done), plots.course(done.long[1])]
    for plot in drawn:
        root = ET.fromstring(plot)  # noqa: S314
        lines = [one for one in root.iter() if one.tag.endswith("polyline")]
        assert len(lines) >= 4
        assert "nan" not in plot
    assert OURS.name in drawn[1]


def test_the_reversals_that_the_theorem_allows_shrink_with_the_start_up() -> None:
    assert [targets.reversals_allowed(one) for one in (60.0, 180.0, 600.0)] == [289, 289, 96]
