"""The parts of a forecast: gappy bins, the daily regression, conformal bounds, the skill gate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import (
    DAY,
    STRIDE,
    WEEK,
    ahead_max,
    earlier,
    from_log,
    to_log,
    trailing_max,
    trailing_means,
)
from controllers.stats.forecast.conformal import LEAST, residuals
from controllers.stats.forecast.daily import fits, predict
from controllers.stats.forecast.gate import REFRESH, record
from controllers.stats.forecast.inputs import TAIL, latest, recent
from controllers.stats.forecast.models import LAST, Model, Track, track

GAPPY = arrays(
    np.float64, st.integers(1, 60), elements=st.one_of(st.just(np.nan), st.floats(0.0, 1e4))
)


@given(GAPPY, st.integers(1, 70))
def test_means_and_maxima_are_of_what_is_known(values: FloatArray, width: int) -> None:
    means, highest = trailing_means(values, (width, 3))[0], trailing_max(values, width)
    for at in range(len(values)):
        span = values[max(at + 1 - width, 0) : at + 1]
        known = span[np.isfinite(span)]
        expected = (known.mean(), known.max()) if len(known) else (np.nan, np.nan)
        np.testing.assert_allclose((means[at], highest[at]), expected, rtol=1e-9, atol=1e-7)


@given(GAPPY, st.integers(1, 70))
def test_what_comes_is_the_highest_of_the_bins_after_this_one(
    values: FloatArray, horizon: int
) -> None:
    came = ahead_max(values, horizon)
    for at in range(len(values)):
        span = values[at + 1 : at + 1 + horizon]
        known = span[np.isfinite(span)]
        over = len(span) == horizon and len(known) >= 0.9 * horizon
        np.testing.assert_equal(came[at], known.max() if over else np.nan)


@given(GAPPY, st.integers(-70, 70))
def test_a_lag_moves_and_leaves_nothing_behind(values: FloatArray, lag: int) -> None:
    moved = earlier(values, lag)
    for at in range(len(values)):
        there = 0 <= at - lag < len(values)
        np.testing.assert_equal(moved[at], values[at - lag] if there else np.nan)


@given(arrays(np.float64, 5, elements=st.floats(0.0, 1e9)))
def test_logs_of_rates_lose_nothing(rates: FloatArray) -> None:
    np.testing.assert_allclose(from_log(to_log(rates)), rates, rtol=1e-9, atol=1e-12)


def regression(days: int, start: int = 0) -> tuple[FloatArray, FloatArray]:
    """Two features and a target that is twice the second, but for noise."""
    random = np.random.default_rng(5)
    features = np.stack([np.ones(days * DAY), random.normal(size=days * DAY)])
    return features, 2.0 * features[1] + 0.1 * random.normal(size=days * DAY)


def fit_predict(features: FloatArray, target: FloatArray, start: int = 0) -> FloatArray:
    return predict(fits(features, target, start, horizon=10), features, start)


def test_a_day_is_predicted_from_the_days_before_it_only() -> None:
    features, target = regression(3)
    predicted = fit_predict(features, target)
    assert np.all(np.isnan(predicted[:DAY]))
    error = (predicted - target)[DAY:]
    assert np.mean(np.abs(error)) < 0.15
    changed = target.copy()
    changed[2 * DAY - 10 :] = 99.0
    np.testing.assert_array_equal(fit_predict(features, changed), predicted)


def test_days_begin_at_midnight_wherever_the_history_begins() -> None:
    features, target = regression(3)
    predicted = fit_predict(features, target, start=1000)
    assert np.flatnonzero(np.isfinite(predicted))[0] == DAY - 1000


def test_nothing_is_predicted_that_was_never_seen() -> None:
    features, target = regression(2)
    features[1, DAY:] = 1e6
    predicted = fit_predict(features, target)
    assert np.all(predicted[DAY:] <= target[:DAY].max())


def test_residuals_of_one_age_give_the_conformal_rank() -> None:
    values = np.random.default_rng(2).permutation(99).astype(np.float64)
    held = residuals(values, np.zeros(99, dtype=np.int64), horizon=1, origin=0)
    levels = np.array([0.495, 0.949, 0.951, 0.985, 0.999])
    found = held.quantiles(np.array([1]), levels)[0]
    # The rank is level times 100, of 99 and the one to come, rounded up; at most the largest.
    assert found.tolist() == [49.0, 94.0, 95.0, 98.0, 98.0]


def test_what_is_not_known_yet_or_a_week_old_does_not_count() -> None:
    issued = np.arange(0, 3 * WEEK, STRIDE, dtype=np.int64)
    held = residuals(issued.astype(np.float64), issued, horizon=10, origin=0)
    instants = np.array([10 + STRIDE * (LEAST - 2), 10 + STRIDE * (LEAST - 1), 2 * WEEK])
    few, least, later = held.quantiles(instants, np.array([1e-9, 1.0 - 1e-9]))
    assert np.all(np.isnan(few))
    assert least.tolist() == [0.0, STRIDE * (LEAST - 1)]
    assert WEEK - 10 < later[0] <= WEEK - 10 + STRIDE
    assert 2 * WEEK - 10 - STRIDE < later[1] <= 2 * WEEK - 10


@pytest.mark.parametrize("level", [0.8, 0.95, 0.98])
def test_bounds_on_independent_residuals_hold_as_often_as_they_say(level: float) -> None:
    issued = np.arange(0, 14 * DAY, STRIDE, dtype=np.int64)
    drawn = np.random.default_rng(11).standard_t(3, size=len(issued))
    held = residuals(drawn, issued, horizon=2, origin=0)
    looks = np.arange(2 * DAY, 14 * DAY, REFRESH, dtype=np.int64)
    bounds = held.quantiles(looks, np.array([level]))[:, 0]
    later = issued >= looks[0]
    covered = drawn[later] <= bounds[(issued[later] - looks[0]) // REFRESH]
    assert covered.mean() == pytest.approx(level, abs=0.015)


def rivals(*errors: FloatArray) -> Track:
    """A track of models that are off by so much in log units, the first of them the plain one."""
    length = len(errors[0])
    came = np.full(length, 5.0)
    even = np.ones(length)
    models = tuple(
        Model(LAST if place == 0 else f"Rival{place}", came - error, even)
        for place, error in enumerate(errors)
    )
    return Track(0, 5, came, np.full(length, 99.0), models)


def noise(days: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(size=days * DAY)


def test_a_model_is_used_only_where_it_is_a_twentieth_better() -> None:
    plain = noise(4, 1)
    seen = record(rivals(0.1 * plain, 0.098 * plain))
    assert not np.any(seen.chosen)
    assert not np.any(seen.skill)
    seen = record(rivals(0.1 * plain, 0.098 * plain, 0.05 * plain))
    assert np.all(seen.chosen[4:] == 2)
    assert np.all(seen.skill[4:] > 0.4)


def test_a_model_that_goes_bad_is_out_of_use_within_a_day() -> None:
    plain = 0.1 * noise(6, 1)
    other = np.where(np.arange(6 * DAY) < 3 * DAY, 0.3, 3.0) * plain
    chosen = record(rivals(plain, other)).chosen
    looks_a_day = DAY // REFRESH
    assert np.all(chosen[2 * looks_a_day : 3 * looks_a_day] == 1)
    assert not np.any(chosen[4 * looks_a_day :])


def test_what_is_on_record_is_what_really_happened() -> None:
    seen = record(rivals(0.1 * noise(12, 1)))
    assert np.all(np.abs(seen.coverage[-8:] - 0.95) < 0.02)
    assert np.all((seen.width[-8:] > 0.1) & (seen.width[-8:] < 0.3))


def test_looks_that_nobody_asks_for_change_none_that_somebody_does() -> None:
    one, _ = track(np.abs(noise(13, 3)) + 20.0, 0, 5)
    every, some = record(one), record(one, since=4 * 12 - 35)
    assert some.coverage[-1] == every.coverage[-1]
    assert some.width[-1] == every.width[-1]
    assert some.skill[-1] == every.skill[-1]
    assert some.chosen[-1] == every.chosen[-1]


@pytest.mark.parametrize("horizon", [1, 4, 60])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("bins", [1, 3, 30, 365, TAIL])
def test_the_latest_alone_is_what_the_whole_day_ends_with(
    bins: int, share: float, horizon: int
) -> None:
    chance = np.random.default_rng(bins)
    rates = chance.gamma(2.0, 3.0, bins)
    rates[chance.random(bins) < share] = np.nan
    day, last = recent(rates, horizon), latest(rates, horizon)
    for name in ("level", "came", "growth", "unrest"):
        whole = getattr(day, name)[..., -1:]
        np.testing.assert_allclose(getattr(last, name), whole, rtol=1e-9, atol=1e-9)
