"""A split that does not fit the weight is seen; one that fits is let be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from controllers.stats.split import split, split_log_e


@pytest.mark.parametrize(
    ("candidate", "total", "weight", "contradicts"),
    [
        pytest.param(0, 0, 0.5, False, id="no traffic"),
        pytest.param(100, 1000, 0.1, False, id="as applied"),
        pytest.param(11_500, 100_000, 0.1, False, id="bent a little by retries"),
        pytest.param(0, 40, 0.5, True, id="the candidate gets nothing"),
        pytest.param(0, 40, 0.05, False, id="nothing yet at 5 %"),
        pytest.param(0, 1000, 0.05, True, id="still nothing at 5 %"),
        pytest.param(500, 1000, 0.1, True, id="the weight before"),
        pytest.param(50, 1000, 0.25, True, id="not yet propagated"),
        pytest.param(1, 1000, 0.0, False, id="one late request at weight 0"),
        pytest.param(100, 1000, 0.0, True, id="traffic at weight 0"),
        pytest.param(1000, 1000, 1.0, False, id="all of it at weight 1"),
    ],
)
def test_whether_requests_fit_the_weight(
    candidate: float, total: float, weight: float, contradicts: bool
) -> None:
    assert split(candidate, total, weight).contradicts is contradicts


@given(st.integers(0, 60), st.floats(0.01, 0.99), st.floats(0.8, 1.25))
def test_within_the_allowed_odds_the_check_never_gains_on_average(
    total: int, weight: float, factor: float
) -> None:
    odds = weight / (1.0 - weight) * factor
    candidate = np.arange(total + 1, dtype=np.float64)
    e = np.exp(split_log_e(candidate, float(total), weight))
    assert np.sum(binom.pmf(candidate, total, odds / (1.0 + odds)) * e) <= 1.0 + 1e-9


def test_a_weight_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="weight 25: must be a share"):
        split(1.0, 2.0, 25)


def test_millions_of_requests_do_not_overflow() -> None:
    assert math.isfinite(float(split(1e7, 1e7, 0.05).log_e))
