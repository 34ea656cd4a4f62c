"""The evidence on the ratio of two rates: on the right side, exact, and honest about its limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from controllers.readings import FloatArray
from controllers.stats import ratio
from controllers.stats.ratio import Interval, grid

LIMITS = st.tuples(st.floats(1.0, 10.0), st.floats(1.0001, 2.0)).map(
    lambda pair: (pair[0], pair[0] * pair[1])
)
GRID = grid(1.1, 1.5)


def after(stable: float, candidate: float, bad_stable: float, bad_candidate: float) -> FloatArray:
    return ratio.increments(stable, candidate, bad_stable, bad_candidate, GRID)


@given(LIMITS)
def test_every_point_lies_strictly_on_its_side_of_both_limits(limits: tuple[float, float]) -> None:
    made = grid(*limits)
    assert len(made.ratios) == 32
    assert np.all(np.diff(made.ratios) > 0)
    assert (made.ratios[made.tolerance], made.ratios[made.margin]) == limits
    assert np.all(made.ratios[np.isfinite(made.rollback)] > limits[0])
    assert np.all(made.ratios[np.isfinite(made.certify)] < limits[1])
    for prior in (made.rollback, made.certify, made.interval):
        assert np.sum(np.exp(prior)) == pytest.approx(1.0)


@pytest.mark.parametrize("limits", [(0.9, 1.5), (1.5, 1.5), (1.5, 1.2), (1.0, 40.0)])
def test_limits_that_make_no_test_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"1 <= tolerance < margin <= 32"):
        grid(*limits)


def test_two_and_one_bad_at_an_even_split_worked_by_hand() -> None:
    # x = 2 of m = 3 at rho = 1/2: G(k) = 2 ln k - 3 ln((1 + k)/2), so G(1.1) - G(1.5) by hand.
    found = after(100.0, 100.0, 1.0, 2.0)
    expected = 2 * math.log(1.1 / 1.5) - 3 * math.log(1.05 / 1.25)
    assert found[GRID.tolerance] - found[GRID.margin] == pytest.approx(expected)


@pytest.mark.parametrize(
    "block", [(0, 0, 0, 0), (500, 0, 5, 0), (0, 500, 0, 5), (500, 500, 0, 0), (0, 1, 0, 1)]
)
def test_a_block_that_compares_nothing_adds_nothing(block: tuple[float, ...]) -> None:
    assert np.all(after(*block) == pytest.approx(0.0))


@given(
    st.integers(1, 40), st.integers(1, 40), st.data(), st.floats(1.0, 10.0), st.floats(1.01, 3.0)
)
def test_a_block_at_the_tolerance_is_at_best_a_fair_bet(
    stable: int, candidate: int, data: st.DataObject, tolerance: float, step: float
) -> None:
    """Independent answers, rates exactly at the tolerance: the mean of the gain is at most 1."""
    rate = data.draw(st.floats(1e-9, 1.0 / tolerance))
    made = grid(tolerance, tolerance * step)
    s, c = np.arange(stable + 1.0)[:, None], np.arange(candidate + 1.0)[None, :]
    gains = ratio.increments(float(stable), float(candidate), s, c, made)
    e = np.exp(ratio.rollback_log_e(gains, made))
    worse = min(rate * tolerance, 1.0)
    weights = _binomial(stable, rate)[:, None] * _binomial(candidate, worse)[None, :]
    assert np.sum(weights * e) <= 1.0 + 1e-9


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_shared_incident_is_at_best_a_fair_bet_at_tolerance_one(
    stable: int, candidate: int, data: st.DataObject
) -> None:
    """Any number of failures, dealt to the arms by chance alone: the mean gain is at most 1."""
    made = grid(1.0, 1.5)
    bad = data.draw(st.integers(0, stable + candidate))
    x = np.arange(max(0, bad - stable), min(candidate, bad) + 1, dtype=np.float64)
    gains = ratio.increments(float(stable), float(candidate), bad - x, x, made)
    e = np.exp(ratio.rollback_log_e(gains, made))
    assert np.sum(hypergeom.pmf(x, stable + candidate, bad, candidate) * e) <= 1.0 + 1e-9


def _binomial(trials: int, share: float) -> FloatArray:
    weights: FloatArray = binom.pmf(np.arange(trials + 1), trials, share)
    return weights


def test_ten_million_counts_do_not_overflow() -> None:
    huge = after(1e7, 1e7, 1e5, 1e7)
    for value in (ratio.rollback_log_e(huge, GRID), ratio.certify_log_e(huge, GRID)):
        assert np.isfinite(value)
    assert float(ratio.rollback_log_e(huge, GRID)) > 1e6
    assert float(ratio.certify_log_e(huge, GRID)) < -1e5


def test_runs_side_by_side_are_judged_as_if_alone() -> None:
    bad = np.array([3.0, 30.0, 0.0])
    together = ratio.rollback_log_e(
        ratio.increments(np.full(3, 900.0), np.full(3, 100.0), np.full(3, 9.0), bad, GRID), GRID
    )
    alone = [float(ratio.rollback_log_e(after(900.0, 100.0, 9.0, one), GRID)) for one in bad]
    assert together.tolist() == alone


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param((1000, 200, 0, 0), Interval(None, None), id="nothing is known"),
        pytest.param((1000, 200, 1, 0), Interval(None, None), id="next to nothing is known"),
    ],
)
def test_an_interval_has_no_end_where_nothing_is_known(
    block: tuple[float, ...], expected: Interval
) -> None:
    assert ratio.interval(after(*block), 0.05, GRID) == expected
    assert ratio.estimate(after(*block), GRID) is None


def test_an_interval_is_open_above_when_only_the_candidate_fails() -> None:
    found = ratio.interval(after(1000.0, 200.0, 0.0, 30.0), 0.05, GRID)
    assert found.high is None
    assert found.low is not None
    assert found.low > 5.0


@given(st.floats(0.3, 20.0), st.floats(0.05, 0.95))
def test_the_interval_holds_the_estimate_and_narrows_with_the_counts(
    true: float, share: float
) -> None:
    wide, narrow = (
        after(n * (1 - share), n * share, n * (1 - share) * 0.01, n * share * 0.01 * true)
        for n in (1e4, 1e6)
    )
    few, many = ratio.interval(wide, 0.05, GRID), ratio.interval(narrow, 0.05, GRID)
    assert (few.low or 0.0) <= (many.low or 0.0) < true < (many.high or math.inf)
    assert (many.high or math.inf) <= (few.high or math.inf)
    assert ratio.estimate(narrow, GRID) == pytest.approx(true, rel=0.1)


def test_a_smaller_error_gives_a_wider_interval() -> None:
    found = after(1000.0, 1000.0, 20.0, 60.0)
    loose, strict = ratio.interval(found, 0.2, GRID), ratio.interval(found, 0.001, GRID)
    assert (strict.low or 0.0) <= (loose.low or 0.0)
    assert (strict.high or math.inf) >= (loose.high or math.inf)


def test_an_end_is_drawn_when_the_point_is_refuted_by_two_over_alpha() -> None:
    found = after(1000.0, 1000.0, 30.0, 30.0)
    prior = np.exp(GRID.interval[1:])
    e = float(np.sum(prior * np.exp(found[1:] - found[0])) / np.sum(prior))
    assert ratio.interval(found, 2.0 / e * 1.01, GRID).low is not None
    assert ratio.interval(found, 2.0 / e * 0.99, GRID).low is None
