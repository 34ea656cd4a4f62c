"""The view keeps one height, fits the terminal, and says what the decision rests on."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hack.demo.autoscaler.scene import Moment, Scene
from hack.demo.autoscaler.view import COLUMNS, bars, columns, draw, line


def _drawn(scene: Scene, width: int = 110) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as drawn:
        console.print(draw(scene))
    return drawn.get()


def test_a_whole_run_keeps_one_height(scenes: list[Scene]) -> None:
    assert len({_drawn(scene).count("\n") for scene in scenes}) == 1


@pytest.mark.parametrize("width", [80, 110, 200])
def test_no_line_is_wider_than_the_terminal(scenes: list[Scene], width: int) -> None:
    for scene in scenes[::20]:
        assert max(len(row) for row in _drawn(scene, width).splitlines()) == width


def test_before_amid_and_after_the_peak_it_says_so(scenes: list[Scene]) -> None:
    said = [_drawn(scene) for scene in (scenes[1], scenes[60], scenes[110], scenes[-1])]
    assert "no forecast yet" in said[0]
    assert "the peak begins in 1:20" in said[1]
    assert "at most 61.2 requests/s within 2m10s: Ridge, 46.0 % less loss" in said[1]
    assert "coverage 96.1 % of 95" in said[1]
    assert "in the peak since 0:20" in said[2]
    assert "60 requests/s for each" in said[2]
    assert "the peak is over" in said[3]


def test_the_plain_line_holds_the_same_facts(scenes: list[Scene]) -> None:
    said = line(scenes[110])
    assert said == (
        "in the peak since 0:20; 60 requests/s each, at most 61 expected;"
        " modelyard 8 ready of 8, 3 of 9000 late; hpa 3 ready of 9, 5000 of 9000 late"
    )


@given(st.lists(st.floats(0, 100), max_size=50), st.floats(1, 50))
def test_a_higher_value_is_never_a_lower_bar_and_nothing_is_empty(
    values: list[float], most: float
) -> None:
    blocks = bars(sorted(values), most)
    assert list(blocks) == sorted(blocks)
    assert [block == " " for block in blocks] == [value == 0 for value in sorted(values)]


@given(st.lists(st.floats(0, 400), max_size=200), st.floats(1, 400))
def test_columns_are_bounded_and_leave_no_gap(seconds: list[float], end: float) -> None:
    trail = [Moment(second, 1.0, {}) for second in sorted(seconds)]
    kept = columns(trail, end)
    assert len(kept) <= COLUMNS
    if trail:
        assert kept[-1] is trail[-1]
