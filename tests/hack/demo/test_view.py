"""What the view promises: one height, any width, and the numbers that the decision rests on."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from controllers.api.modelcanary.status import Phase
from hack.demo.scene import Scene
from hack.demo.view import clock, draw, evidence, line


def _drawn(scene: Scene, width: int = 110) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as drawn:
        console.print(draw(scene))
    return drawn.get()


def _first(scenes: list[Scene], phase: Phase) -> Scene:
    return next(scene for scene in scenes if scene.status.phase is phase)


def test_a_whole_promotion_and_a_whole_rollback_keep_one_height(
    promotion: list[Scene], rollback: list[Scene]
) -> None:
    told = [scene for scene in promotion + rollback if scene.status.guardrails]
    assert len({_drawn(scene).count("\n") for scene in told}) == 1


@pytest.mark.parametrize("width", [80, 110, 200])
def test_no_line_is_wider_than_the_terminal(promotion: list[Scene], width: int) -> None:
    for scene in promotion[::10]:
        assert max(len(row) for row in _drawn(scene, width).splitlines()) == width


def test_while_it_certifies_the_view_says_how_far_it_is_and_when_it_ends(
    promotion: list[Scene],
) -> None:
    drawn = _drawn(_first(promotion, Phase.CERTIFYING))
    assert "Certifying  step 2 of 2" in drawn
    assert "certificate in about" in drawn
    assert "20 certifies it" in drawn
    assert "green version 2" in drawn
    assert " 50 %" in drawn


def test_a_rollback_shows_what_it_was_decided_on(rollback: list[Scene]) -> None:
    scene = _first(rollback, Phase.ROLLED_BACK)
    (errors,) = scene.status.guardrails
    assert errors.candidate is not None
    drawn = _drawn(scene)
    assert f"{errors.candidate.bad:,} of {errors.candidate.requests:,} bad" in drawn
    assert "Regressed" in drawn
    assert "RolledBack" in drawn


def test_the_plain_line_holds_the_same_facts(promotion: list[Scene]) -> None:
    said = line(_first(promotion, Phase.PROMOTED))
    assert said.startswith("Promoted; blue (version 1) 0 %")
    assert "green (version 2) 100 %" in said
    assert "errors Certified, evidence against" in said


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(1.5, 1000))
def test_more_evidence_is_never_a_shorter_bar(one: float, other: float, needed: float) -> None:
    less, more = sorted((one, other))
    assert 0.0 <= evidence(less, needed) <= evidence(more, needed) <= 1.0
    assert evidence(needed, needed) == 1.0


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (65.9, "1:05"), (600, "10:00")])
def test_time_is_told_in_minutes_and_seconds(seconds: float, said: str) -> None:
    assert clock(seconds) == said
