"""A reading is a value with its age, or exactly one reason why there is none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.readings import Answer, Gap, Missing, Query, Series, Value, complete, scalar


def series(values: list[float], start: float = 100.0, **labels: str) -> Series:
    times = np.array([start + 10.0 * place for place in range(len(values))], dtype=np.float64)
    return Series(labels, times, np.array(values, dtype=np.float64))


def test_the_newest_sample_is_the_value_and_its_age_is_counted_from_the_instant() -> None:
    assert scalar(Answer((series([1.0, 2.0]),)), at=115.0) == Value(2.0, 5.0)


def test_a_sample_after_the_instant_is_not_looked_at() -> None:
    assert scalar(Answer((series([1.0, math.nan]),)), at=105.0) == Value(1.0, 5.0)


def test_a_failed_query_stays_failed() -> None:
    failed = Missing(Gap.FAILED, "connection refused")
    assert scalar(failed, at=0.0) is failed


@pytest.mark.parametrize(
    ("answer", "gap", "said"),
    [
        (Answer(()), Gap.ABSENT, "no series"),
        (Answer((series([], pod="a"),)), Gap.ABSENT, "no series"),
        (Answer((series([1.0], start=900.0),)), Gap.ABSENT, "no series"),
        (Answer((series([math.nan], pod="a"),)), Gap.NOT_FINITE, 'the newest sample of {pod="a"}'),
        (Answer((series([math.inf]),)), Gap.NOT_FINITE, "inf"),
        (
            Answer((series([1.0], pod="a"), series([2.0], pod="b"))),
            Gap.AMBIGUOUS,
            '2 series, not one: {pod="a"}, {pod="b"}',
        ),
        (
            Answer(tuple(series([1.0], pod=pod) for pod in "abc")),
            Gap.AMBIGUOUS,
            '3 series, not one: {pod="a"}, {pod="b"}, ...',
        ),
    ],
)
def test_no_value_is_never_a_zero_but_a_reason(answer: Answer, gap: Gap, said: str) -> None:
    reading = scalar(answer, at=200.0)
    assert isinstance(reading, Missing)
    assert reading.gap is gap
    assert said in reading.detail


def test_what_prometheus_says_against_its_answer_leaves_no_answer() -> None:
    hint = ("PromQL info: metric might not be a counter",)
    found = complete(Answer((series([1.0]),), ("a store did not answer", *hint)))
    assert found == Missing(Gap.PARTIAL, "Prometheus warns: a store did not answer")
    hinted = Answer((series([1.0]),), hint)
    assert complete(hinted) is hinted
    failed = Missing(Gap.FAILED, "connection refused")
    assert complete(failed) is failed


def test_series_are_found_by_labels_and_the_index_is_made_once() -> None:
    one, two, bare = series([1.0], app="a", pod="x"), series([2.0], app="a"), series([3.0])
    answer = Answer((one, two, bare))
    assert answer.by("app") == {("a",): (one, two), ("",): (bare,)}
    assert answer.by("app", "pod") == {("a", "x"): (one,), ("a", ""): (two,), ("", ""): (bare,)}
    assert answer.by("app") is answer.by("app")
    assert answer == Answer((one, two, bare)), "what was asked of it is no part of an answer"


@given(
    at=st.floats(1e9, 2e9),
    step=st.sampled_from([0.5, 1.0, 15.0, 60.0]),
    count=st.integers(1, 20000),
)
def test_a_grid_is_every_multiple_of_the_step_within_the_span(
    at: float, step: float, count: int
) -> None:
    first, last = Query("up", at, span=count * step, step=step).grid
    assert last * step <= at + 2e-6 * step
    assert (last + 1) * step > at
    assert count <= last - first + 1 <= count + 1
    assert first * step >= at - count * step - 2e-6 * step


@pytest.mark.parametrize(("span", "step"), [(60.0, 0.0), (60.0, -1.0), (60.0, 61.0), (-1.0, 1.0)])
def test_a_span_that_holds_no_step_is_no_grid(span: float, step: float) -> None:
    with pytest.raises(ValueError, match="no grid"):
        Query("up", 0.0, span=span, step=step)
