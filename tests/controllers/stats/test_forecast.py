"""The outlook: what it promises on days that it has not seen, and what it must never do."""

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.readings import FloatArray
from controllers.stats.forecast import basis, outlook, outlooks
from controllers.stats.forecast.bins import DAY, ahead_max
from controllers.stats.forecast.outlook import LONGEST

DAYS = 12
HELD_OUT = slice(6 * DAY, DAYS * DAY)
MINUTE = np.arange(DAYS * DAY)
NINE = 9 * 60


def counted(rates: npt.NDArray[np.floating[Any]], seed: int = 0) -> FloatArray:
    """Requests/s of Poisson arrivals, as one-minute bins would show them."""
    return np.random.default_rng(seed).poisson(60.0 * rates) / 60.0


def tide() -> FloatArray:
    phase = 2.0 * np.pi * (MINUTE % DAY - 500) / DAY
    return counted(50.0 + 40.0 * np.sin(phase))


def peak() -> FloatArray:
    """Half an hour of three times the demand, at nine o'clock each day."""
    clock = MINUTE % DAY
    return counted(20.0 + 40.0 * ((clock >= NINE) & (clock < NINE + 30)))


def wander() -> FloatArray:
    steps = np.random.default_rng(4).normal(0.0, 0.01, DAYS * DAY)
    return counted(30.0 * np.exp(np.cumsum(steps) - 0.003 * np.arange(DAYS * DAY) / DAY))


def every_ten_minutes() -> FloatArray:
    steps = np.random.default_rng(9).normal(0.0, 0.2, DAYS * DAY // 10)
    return counted(30.0 * np.exp(np.repeat(steps, 10)))


def few() -> FloatArray:
    return counted(np.full(DAYS * DAY, 0.02))


def gappy() -> FloatArray:
    rates = tide()
    rates[7 * DAY + 300 : 7 * DAY + 900] = np.nan
    rates[np.random.default_rng(6).random(DAYS * DAY) < 0.02] = np.nan
    return rates


HISTORIES = {
    "tide": tide,
    "peak": peak,
    "wander": wander,
    "every ten minutes": every_ten_minutes,
    "few": few,
    "gappy": gappy,
}


@cache
def history(name: str) -> FloatArray:
    return HISTORIES[name]()


def pinball(upper: FloatArray, came: FloatArray, level: float) -> float:
    over = came - upper
    return float(np.nanmean(np.where(over > 0.0, level * over, (level - 1.0) * over)))


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("horizon", [2, 8])
def test_the_bound_at_095_holds_in_093_to_097_of_days_not_seen(name: str, horizon: int) -> None:
    rates = history(name)
    upper = outlooks(rates, 0, [horizon], [0.95]).upper[0, 0, HELD_OUT]
    came = ahead_max(rates, horizon)[HELD_OUT]
    known = np.isfinite(upper) & np.isfinite(came)
    assert known.mean() > 0.7
    assert 0.93 <= np.mean(came[known] <= upper[known]) <= 0.97


@pytest.mark.parametrize(("name", "at_most"), [("tide", 0.75), ("peak", 0.4)])
def test_what_recurs_each_day_is_foreseen(name: str, at_most: float) -> None:
    """Against the mean of three minutes with the best constant factor in hindsight."""
    rates, horizon = history(name), 5
    came = ahead_max(rates, horizon)[HELD_OUT]
    upper = outlooks(rates, 0, [horizon], [0.95]).upper[0, 0, HELD_OUT]
    last = np.convolve(rates, np.ones(3) / 3.0)[: len(rates)][HELD_OUT]
    factors = np.linspace(1.0, 3.0, 100)
    plain = min(pinball(last * factor, came, 0.95) for factor in factors)
    assert pinball(upper, came, 0.95) <= at_most * plain


def test_a_daily_peak_is_announced_before_it_comes() -> None:
    rates = history("peak")
    before = 6 * DAY + NINE - 3
    seen = outlook(rates[:before], 0, horizon=5)
    assert seen.trusted
    assert seen.upper(0.98) > 50.0
    assert outlook(rates[: before - 120], 0, horizon=5).upper(0.98) < 30.0


def test_one_odd_day_costs_the_next_day_nothing() -> None:
    normal, odd = history("tide"), history("tide").copy()
    odd[7 * DAY : 8 * DAY] *= 0.1
    next_day = slice(8 * DAY, 9 * DAY)
    came = ahead_max(normal, 5)[next_day]
    plain = pinball(outlooks(normal, 0, [5], [0.95]).upper[0, 0, next_day], came, 0.95)
    after = pinball(outlooks(odd, 0, [5], [0.95]).upper[0, 0, next_day], came, 0.95)
    assert after < 1.6 * plain


def test_an_outage_does_not_blow_up_the_bounds_of_the_days_after_it() -> None:
    rates = history("tide").copy()
    rates[7 * DAY + 600 : 7 * DAY + 720] = 0.1
    calm = outlooks(history("tide"), 0, [5], [0.98]).upper[0, 0, 8 * DAY :]
    after = outlooks(rates, 0, [5], [0.98]).upper[0, 0, 8 * DAY :]
    assert np.mean(after) < 1.1 * np.mean(calm)


def test_nothing_is_promised_above_what_the_week_has_shown_and_half_as_much_again() -> None:
    rates = history("wander").copy()
    jumps = np.random.default_rng(8).random(DAYS * DAY) < 0.02
    rates[jumps] *= 20.0
    upper = outlooks(rates, 0, [5], [0.999]).upper[0, 0]
    known = np.isfinite(upper)
    highest = np.maximum.accumulate(rates)
    assert np.all(upper[known] <= 1.5001 * highest[known] + 0.01)


def test_a_level_ten_times_as_high_is_followed() -> None:
    rates = history("tide").copy()
    rates[7 * DAY + 700 :] *= 10.0
    upper = outlooks(rates, 0, [5], [0.95]).upper[0, 0, 8 * DAY + 700 :]
    came = ahead_max(rates, 5)[8 * DAY + 700 :]
    assert np.nanmean(came <= upper) > 0.9
    assert np.nanmean(upper) < 1.2 * np.nanmean(came)


LEVELS = [0.5, 0.9, 0.95, 0.98, 0.999]


@given(
    st.sampled_from(sorted(HISTORIES)),
    st.integers(1, DAYS * DAY),
    st.sampled_from([1, 4, 22, LONGEST]),
    st.sampled_from([0, 29_000_123]),
)
@settings(deadline=None, max_examples=40)
def test_every_past_answer_is_the_one_that_was_given_then(
    name: str, known: int, horizon: int, start: int
) -> None:
    every = outlooks(history(name), start, [horizon], LEVELS)
    then = outlook(history(name)[:known], start, horizon)
    assert every.names[every.model[0, known - 1]] == then.model
    expected = [then.upper(level) for level in LEVELS]
    np.testing.assert_allclose(every.upper[0, :, known - 1], expected, rtol=1e-9, atol=1e-9)


@given(
    st.sampled_from(sorted(HISTORIES)),
    st.integers(1, DAYS * DAY),
    st.integers(0, 400),
    st.sampled_from([1, 4, 22, LONGEST]),
)
@settings(deadline=None, max_examples=40)
def test_a_basis_serves_until_it_is_due_as_if_it_were_made_anew(
    name: str, known: int, later: int, horizon: int
) -> None:
    start = 29_000_123
    held = basis(history(name)[:known], start, horizon)
    then = history(name)[: min(known + later, held.due - start)]
    served, anew = held.outlook(then, start), outlook(then, start, horizon)
    assert (served.model, served.why_not) == (anew.model, anew.why_not)
    for level in LEVELS:
        np.testing.assert_allclose(served.upper(level), anew.upper(level), rtol=1e-9, atol=1e-9)


def test_a_basis_refuses_a_minute_that_it_does_not_serve() -> None:
    rates = history("tide")
    held = basis(rates[: 9 * DAY + 5], 0, 5)
    assert (held.due, held.until) == (9 * DAY + 360, 9 * DAY + 420)
    then = rates[: 9 * DAY + 420]
    late, anew = (one.outlook(then, 0) for one in (held, basis(then, 0, 5)))
    assert late.upper(0.95) == pytest.approx(anew.upper(0.95), rel=0.1)
    for known in (9 * DAY + 4, 9 * DAY + 421):
        with pytest.raises(ValueError, match=f"the last bin is of minute {known - 1}"):
            held.outlook(rates[:known], 0)


def test_what_no_rate_can_be_is_a_gap() -> None:
    rates, odd = history("tide").copy(), history("tide").copy()
    places = np.random.default_rng(3).random(DAYS * DAY) < 0.01
    rates[places] = np.nan
    odd[places] = np.where(np.arange(np.count_nonzero(places)) % 2, math.inf, -5.0)
    assert outlook(odd, 0, 5).upper(0.98) == outlook(rates, 0, 5).upper(0.98)


def test_a_higher_level_never_gives_a_lower_bound() -> None:
    upper = outlooks(history("gappy"), 0, [3, 30], LEVELS).upper
    known = np.all(np.isfinite(upper), axis=1)
    assert np.all(np.diff(upper, axis=1).transpose(0, 2, 1)[known] >= 0.0)


def test_with_too_little_history_nothing_is_promised_and_the_reason_is_given() -> None:
    seen = outlook(history("tide")[:200], 0, horizon=5)
    assert not seen.trusted
    assert "needed" in seen.why_not
    assert math.isnan(seen.upper(0.98))
    assert math.isnan(seen.point)
    assert outlook(history("tide")[: 13 * 60], 0, horizon=5).trusted


def test_demand_that_is_not_known_now_is_not_zero() -> None:
    rates = history("tide")[: 8 * DAY].copy()
    rates[-2:] = np.nan
    assert outlook(rates, 0, horizon=5).trusted
    rates[-3:] = np.nan
    seen = outlook(rates, 0, horizon=5)
    assert not seen.trusted
    assert "last 3 minutes" in seen.why_not
    assert math.isnan(seen.upper(0.98))


def test_a_history_without_any_request_expects_next_to_none() -> None:
    seen = outlook(np.zeros(3 * DAY), 0, horizon=30)
    assert seen.trusted
    assert seen.upper(0.999) == pytest.approx(0.0, abs=1e-9)


def test_the_record_says_how_it_went() -> None:
    seen = outlook(history("tide"), 0, horizon=5)
    assert seen.model != "Last"
    assert seen.skill > 0.2
    assert 0.93 <= seen.coverage95 <= 0.97
    assert 0.0 < seen.width95 < 0.1
    assert seen.samples > 1000
    assert seen.point < seen.upper(0.95) < seen.upper(0.98)


@pytest.mark.parametrize("horizon", [0, LONGEST + 1])
def test_a_horizon_out_of_reach_is_refused(horizon: int) -> None:
    with pytest.raises(ValueError, match=f"horizon is {horizon}"):
        outlook(history("tide"), 0, horizon)


def test_an_empty_history_and_a_certain_bound_are_refused() -> None:
    with pytest.raises(ValueError, match="rates is empty"):
        outlook(np.zeros(0), 0, 5)
    for level in (0.4, 1.0):
        with pytest.raises(ValueError, match=f"level is {level}"):
            outlook(history("tide")[:DAY], 0, 5).upper(level)
