"""The simulated worlds are what they say, and our judge in them is the operator's."""

import math
from typing import Any

import numpy as np
import pytest

from controllers.modelcanary.blocks import Block as Span
from controllers.readings import Series
from controllers.stats.evidence import Bounds, Evidence
from controllers.stats.growth import Growth, growth
from hack.bench.canary import latency, ours
from hack.bench.canary.measures import harm, quantile, share, upper_bound
from hack.bench.canary.ramp import Ramp, level, steps
from hack.bench.canary.simulate import (
    BAD,
    CANDIDATE,
    GOOD,
    STABLE,
    Scraped,
    Setting,
    simulate,
)
from hack.bench.canary.worlds import BEYOND, NULLS, STATIONARY, Trouble, World, stationary

START = 1_800_000_000
TROUBLES = [
    pytest.param(Trouble(), id="none"),
    pytest.param(Trouble(missing=0.3), id="missing scrapes"),
    pytest.param(Trouble(resets_per_minute=0.5), id="counter resets"),
    pytest.param(Trouble(resets_per_minute=0.5, missing=0.1), id="resets and missing scrapes"),
    pytest.param(Trouble(skew=30.0), id="skew"),
    pytest.param(Trouble(outage=120.0), id="outage"),
]


def samples(scraped: Scraped, run: int) -> list[Series]:
    """What Prometheus would return for one run: a series per arm and response code."""
    found = []
    for arm, kind in ((a, k) for a in (STABLE, CANDIDATE) for k in (GOOD, BAD)):
        seen = np.flatnonzero(scraped.present[arm, :, run])
        found.append(
            Series(
                {"arm": str(arm), "code": str(kind), "job": "envoy", "instance": str(arm)},
                np.asarray(START + seen * scraped.ramp.tick, np.float64),
                scraped.values[arm, kind, seen, run],
            )
        )
    return found


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_blocks_add_up_to_what_the_operator_counts_from_the_same_samples(
    trouble: Trouble,
) -> None:
    ramp = level(10.0)
    setting = Setting(World("", stationary, trouble), base=0.05)
    _, scraped = simulate(np.random.default_rng(4), setting, ramp, 6)
    grown = scraped.grown()
    for run in range(6):
        read, since = samples(scraped, run), 0
        for until in range(1, ramp.ticks + 1):
            if scraped.away[until, run]:
                continue
            begin, end = (START + round(at * ramp.tick) for at in (since, until))
            span = Span(begin, end, ramp.tick)
            counted = growth(read, span.since, span.until, span.max_age)
            if not isinstance(counted, Growth):
                continue
            amounts = counted.by(lambda labels: (int(labels["arm"]), int(labels["code"])))
            for (arm, kind), amount in amounts.items():
                expected = grown[arm, kind, until, run] - grown[arm, kind, since, run]
                assert amount == expected, (run, since, until)
            since = until
        assert since > ramp.ticks - 5


def test_blocks_that_have_not_settled_are_dropped_as_the_operator_drops_them() -> None:
    _, scraped = simulate(np.random.default_rng(1), Setting(STATIONARY), steps(), 2)
    dropped = [tick for tick, block in enumerate(ours.blocks(scraped)) if block is None]
    # The weight is live 6 s into a block: the first one to begin more than 30 s later counts.
    assert dropped == [change + late for change in (0, 40, 80, 120, 160) for late in range(3)]


def test_a_gap_over_a_change_of_weight_drops_the_block_that_spans_it() -> None:
    ramp = steps(20.0)
    values = np.cumsum(np.ones((2, 2, ramp.ticks + 1, 1)), axis=2)
    away = np.zeros((ramp.ticks + 1, 1), dtype=bool)
    away[38:50] = True
    present = np.repeat(~away[None], 2, axis=0)
    blocks = ours.blocks(Scraped(ramp, values, present, away))
    assert all(block is None for block in blocks[37:50])
    assert blocks[50] is not None


def test_the_verdict_is_that_of_the_evidence_fed_one_run_at_a_time() -> None:
    ramp, bounds, runs = steps(25.0), Bounds(1.1, 1.5, 0.001), 5
    setting = Setting(STATIONARY, ratio=3.0)
    _, scraped = simulate(np.random.default_rng(3), setting, ramp, runs)
    series = ours.blocks(scraped)
    together = ours.judge([(series, bounds)], ramp, runs).rollback[0.05]
    for run in range(runs):
        evidence = Evidence.begin(bounds)
        for tick, block in enumerate(series):
            if tick == 40:
                evidence = evidence.restart()
            if block is None:
                continue
            evidence = evidence.add(
                type(block)(*(np.asarray(count)[run] for count in vars(block).values()))
            )
            evidence = Evidence.load(bounds, evidence.dump())
            if evidence.rollback_log_e() >= -math.log(0.05):
                break
        assert together[run] == pytest.approx(float(ramp.minutes(tick + 1, 5.0)))


@pytest.mark.parametrize("world", [*NULLS, *BEYOND], ids=lambda world: world.name)
def test_a_world_has_the_traffic_and_the_errors_that_it_says(world: World) -> None:
    truth, _ = simulate(np.random.default_rng(8), Setting(world, base=0.01), steps(), 300)
    requests = truth.counts.sum(axis=1)
    assert requests.sum(axis=(0, 1)).mean() == pytest.approx(50.0 * 3000, rel=0.05)
    share_of_candidate = requests[CANDIDATE, 165:].sum() / requests[:, 165:].sum()
    assert share_of_candidate == pytest.approx(0.5, abs=0.01)
    assert np.all(truth.excess == 0.0)
    if world.null:
        bad = truth.counts[:, BAD].sum(axis=(1, 2)) / requests.sum(axis=(1, 2))
        assert bad[CANDIDATE] == pytest.approx(bad[STABLE], rel=0.1)


def test_a_late_fault_begins_when_it_is_said_to() -> None:
    setting = Setting(STATIONARY, traffic=500.0, base=0.02, ratio=5.0, onset=(10.0, 12.0))
    truth, _ = simulate(np.random.default_rng(1), setting, level(20.0), 50)
    assert np.all((truth.onset >= 10.0) & (truth.onset <= 12.0))
    before, after = truth.counts[CANDIDATE, :, :39], truth.counts[CANDIDATE, :, 50:]
    assert before[BAD].sum() / before.sum() == pytest.approx(0.02, rel=0.05)
    assert after[BAD].sum() / after.sum() == pytest.approx(0.1, rel=0.05)


def test_latency_counts_follow_the_distribution_and_its_quantile() -> None:
    seen = latency.simulate(
        np.random.default_rng(1), latency.Fault("", factor=2.0), steps(10.0), 20, traffic=500.0
    )
    shares = seen.slower.sum(axis=(2, 3)) / seen.requests.sum(axis=(1, 2))[:, None]
    at_100 = int(np.flatnonzero(latency.EDGES == 100.0)[0])
    # ln(100/40)/0.8 and ln(100/80)/0.8 standard deviations above the median.
    assert shares[STABLE, at_100] == pytest.approx(0.126, abs=0.003)
    assert shares[CANDIDATE, at_100] == pytest.approx(0.390, abs=0.005)
    p99 = latency.quantiles(seen).mean(axis=(1, 2))
    assert 250.0 < p99[STABLE] < 500.0 < p99[CANDIDATE] < 1000.0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(math.inf, 4.0, id="never: all of it"),
        pytest.param(0.5, 2.0, id="half a minute is two ticks"),
        pytest.param(0.625, 2.5, id="within a tick in proportion"),
    ],
)
def test_harm_is_what_was_added_until_the_rollback(found: float, expected: float) -> None:
    assert harm(np.ones((4, 1)), np.array([found]), 15.0, 0.0) == pytest.approx(expected)


def test_shares_have_an_upper_bound_and_medians_count_runs_without_a_verdict() -> None:
    found = np.array([1.0, 2.0, math.inf, math.inf, 3.0])
    assert share(found).value == 0.6
    assert share(found).upper > 0.9
    assert quantile(found, 0.5) == 3.0
    assert math.isinf(quantile(found, 0.95))
    assert upper_bound(0, 59) == pytest.approx(1.0 - 0.05 ** (1.0 / 59.0))
    assert upper_bound(5, 5) == 1.0


def test_the_pace_moves_the_weight_between_two_instants() -> None:
    def live(ramp: Ramp) -> tuple[Any, ...]:
        return ramp.offset, ramp.changes[1], round(float(ramp.shares[ramp.changes[1]]), 3)

    assert live(steps()) == (6.0, 40, 0.16)
    assert live(steps(tick=5.0)) == (1.0, 120, 0.18)
