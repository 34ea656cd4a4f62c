"""The load is for this machine alone, comes at the rate asked for, and its answers are counted."""

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hack.cluster.binaries import ROOT
from hack.cluster.rate import Points, due, parse, written
from hack.cluster.traffic import Answer, by_version, offered_and_answered


@pytest.mark.parametrize("host", ["192.0.2.1", "127.example.org"])
def test_it_is_sent_to_no_other_machine(host: str) -> None:
    refused = subprocess.run(
        [
            *(sys.executable, "-m", "hack.cluster.traffic", "--url", f"http://{host}/predict"),
            *("--host", "fraud.example", "--rps", "1", "--seconds", "1", "--file", "/dev/null"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert f"{host} is not a loopback address such as 127.0.0.1" in refused.stderr


def test_a_server_error_and_no_answer_at_all_are_bad_and_a_client_error_is_not() -> None:
    answers = [
        Answer(at=0.0, clock=0.0, status=status, version=version, seconds=0.01)
        for version, status in (("v1", 200), ("v1", 404), ("v2", 500), ("v2", 200), ("", 0))
    ]
    assert by_version(answers) == {"": (1, 1), "v1": (2, 0), "v2": (2, 1)}


@pytest.mark.parametrize(
    ("points", "seconds", "expected"),
    [
        pytest.param([(0, 2)], 2, [0, 0.5, 1, 1.5], id="steady"),
        pytest.param([(1, 2)], 2, [0, 0.5, 1, 1.5], id="the first point's before it"),
        pytest.param([(0, 1), (2, 1), (2, 4)], 3, [0, 1, 2, 2.25, 2.5, 2.75], id="a step"),
        pytest.param([(0, 0), (4, 2)], 4, [0, 2, 8**0.5, 12**0.5], id="a ramp from nothing"),
        pytest.param([(0, 2), (2, 0), (4, 0)], 4, [0, 2 - 2**0.5], id="down to nothing"),
        pytest.param([(0, 1), (10, 1)], 2.5, [0, 1, 2], id="ended before its last point"),
        pytest.param([(0, 0)], 9, [], id="none"),
    ],
)
def test_requests_are_due_when_the_integral_of_the_rate_reaches_their_number(
    points: Points, seconds: float, expected: list[float]
) -> None:
    assert list(due(points, seconds)) == pytest.approx(expected)


rates = st.floats(0, 200)
shapes = st.lists(st.tuples(st.floats(0, 20), rates), min_size=1, max_size=6).map(
    lambda points: sorted(points, key=lambda point: point[0])
)


@given(points=shapes, seconds=st.floats(0.1, 20))
def test_a_load_is_in_order_within_its_time_and_as_large_as_the_area_below_its_rate(
    points: Points, seconds: float
) -> None:
    found = list(due(points, seconds))
    assert all(0 <= at < seconds for at in found)
    assert all(before <= after for before, after in pairwise(found))
    assert abs(len(found) - _area(points, seconds)) <= 1.001
    assert parse(written(points)) == tuple(points)


def _area(points: Points, seconds: float) -> float:
    """The integral by small steps, each knot a step of its own."""
    knots = [(0.0, points[0][1]), *points, (max(seconds, points[-1][0]), points[-1][1])]
    whole = 0.0
    for (start, low), (stop, high) in pairwise(knots):
        end = min(stop, seconds)
        if stop > start and end > start:
            at_end = low + (high - low) * (end - start) / (stop - start)
            whole += (low + at_end) / 2 * (end - start)
    return whole


@pytest.mark.parametrize(
    ("points", "heard"),
    [
        ([(0.0, 1.0), (2.0, 1.0), (1.0, 1.0)], r"second 1\.0 comes after 2\.0"),
        ([(0.0, -1.0)], r"the rate at second 0 is -1\.0: give 0 or more"),
        ([(0.0, float("nan"))], "the rate at second 0 is nan"),
        ([(float("inf"), 1.0)], "second inf comes after"),
    ],
)
def test_a_rate_that_means_nothing_is_refused(points: Points, heard: str) -> None:
    with pytest.raises(ValueError, match=heard):
        list(due(points, 3.0))


def test_what_was_offered_and_what_was_answered_are_told_apart_by_time() -> None:
    came = [(0.0, 0.2, 200), (0.5, 0.8, 200), (1.0, 0.1, 503), (1.5, 2.0, 200), (1.9, 10.0, 0)]
    answers = [Answer(0.0, 100.0 + due + took, status, "v1", took) for due, took, status in came]
    assert offered_and_answered(answers) == [(2, 1), (3, 1), (0, 0), (0, 1)]
    assert offered_and_answered(answers, width=2.0) == [(5, 2), (0, 1)]
    assert offered_and_answered([]) == []
