"""The load and the history are of one demand, and the history teaches the peak."""

import numpy as np
import pytest

from controllers.readings import FloatArray
from controllers.stats.forecast import outlook
from hack.cluster.rate import due
from hack.demo.autoscaler.demand import STEP, Peak, history
from hack.demo.autoscaler.stage import DAYS, FULL, MARK, SERVICE, SHORT, Act

BEGINS = 1_764_000_000.0 // 3600 * 3600 + 17 * 60 + MARK
PEAK = Peak(base=10.0, top=50.0, rise=10.0, lasts=40.0, fall=20.0)


def test_it_comes_at_the_same_minute_of_every_hour() -> None:
    seconds = np.array([-1.0, 5.0, 10.0, 50.0, 60.0, 70.0, 3500.0])
    expected = [10.0, 30.0, 50.0, 50.0, 30.0, 10.0, 10.0]
    for hours in (-7, 0, 1, 24):
        assert PEAK.rate(seconds + hours * 3600.0) == pytest.approx(expected)


def test_the_load_sends_what_the_curve_says() -> None:
    sent = np.array(list(due(PEAK.points(30.0), 120.0)))
    counted, _ = np.histogram(sent, np.arange(0.0, 121.0, 10.0))
    curve = PEAK.rate(np.arange(0.5, 120.0) - 30.0).reshape(-1, 10).sum(axis=1)
    assert counted == pytest.approx(curve, abs=1.5)


def minutes(act: Act, seed: int) -> tuple[int, FloatArray]:
    """The first minute and the demand of each, as a rate over a minute has it."""
    start, past = history(act.peak, BEGINS, BEGINS + 300.0, DAYS, SERVICE, seed)
    answered = np.array(past["envoy_cluster_upstream_rq_completed"])
    times = start + STEP * np.arange(len(answered))
    full = np.flatnonzero(times % 60.0 == 0.0)[1:]
    return round(times[full[0]] / 60.0), (answered[full] - answered[full - 2]) / 60.0


def test_the_history_ends_in_the_past_and_counts_only_up() -> None:
    start, past = history(PEAK, BEGINS, BEGINS - 90.0, 2, 0.4)
    for values in past.values():
        assert len(values) == 2 * 86400 / STEP
        assert BEGINS - 90.0 - STEP < start + STEP * (len(values) - 1) <= BEGINS - 90.0
    assert np.all(np.diff(past["envoy_cluster_upstream_rq_completed"]) >= 0.0)
    assert np.mean(past["envoy_cluster_upstream_rq_active"]) == pytest.approx(4.2, abs=0.3)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("act", "horizon"), [(FULL, 3), (SHORT, 2)])
def test_a_forecast_knows_the_peak_a_horizon_before_and_not_earlier(
    act: Act, horizon: int, seed: int
) -> None:
    first, rates = minutes(act, seed)
    begins = round((BEGINS - MARK) / 60.0)
    before = begins - horizon + 1

    def upper(minute: int) -> float:
        found = outlook(rates[: minute - first + 1], first, horizon)
        assert found.trusted
        return found.upper(0.98)

    assert upper(before) > 0.8 * act.peak.top
    assert upper(before - 1) < 2.0 * act.peak.base
