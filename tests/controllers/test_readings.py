"""A reading is a value with its age, or exactly one reason why there is none."""

import math

import numpy as np
import pytest

from controllers.readings import Answer, Gap, Missing, Series, Value, scalar


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
