"""The other judges decide as their users and their documentation say they do."""

import math

import numpy as np
import pytest

from hack.bench.canary import kayenta
from hack.bench.canary.ramp import steps
from hack.bench.canary.rules import Argo, Flagger, Ratio, Seen
from hack.bench.canary.simulate import BAD, CANDIDATE, GOOD, STABLE, Scraped


@pytest.mark.parametrize(
    ("control", "experiment", "high"),
    [
        pytest.param([0.0] * 6, [0.0, 1.0, 2.0, 1.0, 0.0, 0.0], False, id="kayenta 426"),
        pytest.param([1.0] * 10, [100.0] * 7 + [1.0] * 3, False, id="spinnaker 6278, seven"),
        pytest.param([1.0] * 10, [100.0] * 8 + [1.0] * 2, True, id="spinnaker 6278, eight"),
        pytest.param(
            [1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17],
            [10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7],
            False,
            id="kayenta 780, case 1",
        ),
        pytest.param([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], False, id="the same points"),
        pytest.param([1.0, 1.0], [1.0, 1.0, 1.0], False, id="a single value"),
        pytest.param([math.nan] * 3, [1.0, 2.0, 3.0], False, id="nothing to compare with"),
        pytest.param([1.0] * 20, [2.0, math.nan] * 10, True, id="missing points are left out"),
    ],
)
def test_kayenta_classifies_as_its_users_report(
    control: list[float], experiment: list[float], high: bool
) -> None:
    assert kayenta.high(np.array(control, float), np.array(experiment, float)).tolist() == [high]


def test_kayenta_judges_many_runs_as_it_judges_each() -> None:
    draw = np.random.default_rng(2)
    control = np.round(draw.normal(10.0, 1.0, (200, 12)), 1)
    experiment = np.round(draw.normal(11.0, 1.0, (200, 12)), 1)
    experiment[draw.random((200, 12)) < 0.2] = math.nan
    together = kayenta.high(control, experiment)
    each = [
        bool(kayenta.high(c, e[np.isfinite(e)])[0])
        for c, e in zip(control, experiment, strict=True)
    ]
    assert together.tolist() == each
    assert 0 < sum(each) < 200


def answered(
    bad_share: float, *, rps: float = 50.0, minutes: float = 50.0, away: tuple[int, int] = (0, 0)
) -> Seen:
    """One run in which exactly this share of the candidate's answers is bad; stable's is 0.5 %.

    ``away`` are the first and the last instant without Prometheus.
    """
    ramp = steps(minutes)
    instants = np.arange(ramp.ticks + 1, dtype=float)
    values = np.zeros((2, 2, ramp.ticks + 1, 1))
    for arm, share in ((STABLE, 0.005), (CANDIDATE, bad_share)):
        values[arm, BAD, :, 0] = instants * ramp.tick * rps * share
        values[arm, GOOD, :, 0] = instants * ramp.tick * rps * (1.0 - share)
    gone = (instants >= away[0]) & (instants < away[1])
    present = np.repeat(~gone[None, :, None], 2, axis=0)
    return Seen(Scraped(ramp, values, present, gone[:, None]))


def minute(found: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seen: Seen) -> float:
    """The minute of the clock, from the first instant."""
    return float(found[0]) + seen.ramp.offset / 60.0


@pytest.mark.parametrize(
    ("bad_share", "expected"),
    [
        pytest.param(0.005, math.inf, id="within the limit"),
        pytest.param(0.02, 6.0, id="the fifth failure is at minute 5, the rollback a tick later"),
    ],
)
def test_flagger_rolls_back_at_the_tick_after_its_threshold(
    bad_share: float, expected: float
) -> None:
    seen = answered(bad_share)
    assert minute(Flagger().found(seen), seen) == pytest.approx(expected)


def test_flagger_counts_an_outage_as_failed_checks() -> None:
    seen = answered(0.005, away=(40, 48))
    assert math.isinf(minute(Flagger().found(seen), seen))
    # Minutes 10 and 11 without an answer, minute 12 without two samples in its window.
    assert minute(Flagger(threshold=3).found(seen), seen) == pytest.approx(13.0)


@pytest.mark.parametrize(
    ("bad_share", "expected"),
    [
        pytest.param(0.025, math.inf, id="five times worse passes 95 %"),
        pytest.param(0.1, 20.0, id="the fourth failed measurement"),
    ],
)
def test_argo_aborts_when_more_measurements_fail_than_the_limit(
    bad_share: float, expected: float
) -> None:
    seen = answered(bad_share)
    assert minute(Argo(newest=True).found(seen), seen) == pytest.approx(expected)


def test_argo_aborts_a_good_release_after_five_failed_queries() -> None:
    minutely = Argo(window=300.0, interval=60.0)
    begins_with_a_measurement = answered(0.005, away=(40, 48))
    found = minutely.found(begins_with_a_measurement)
    assert minute(found, begins_with_a_measurement) == pytest.approx(10.0 + 40.0 / 60.0)
    short = answered(0.005, away=(40, 42))
    assert math.isinf(minute(minutely.found(short), short))


def test_a_ratio_rule_waits_for_its_looks_and_skips_those_without_a_value() -> None:
    rule = Ratio(1.5, 60.0, 3, in_a_row=True)
    worse = answered(0.01)
    assert minute(rule.found(worse), worse) == pytest.approx(3.0)
    as_good = answered(0.005)
    assert math.isinf(minute(rule.found(as_good), as_good))
    blind = answered(0.01, away=(1, 41))
    assert minute(rule.found(blind), blind) == pytest.approx(13.0)


def test_a_patient_argo_waits_for_prometheus() -> None:
    seen = answered(0.005, away=(40, 48))
    assert math.isinf(minute(Argo(interval=60.0, patient=True).found(seen), seen))
