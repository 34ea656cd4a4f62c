"""Simulated runs keep the promised error rates at every look, and find what is to be found."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import beta as beta_distribution

from controllers.readings import FloatArray
from controllers.stats.evidence import Block, Bounds, Evidence
from controllers.stats.mixture import combine_rollback
from controllers.stats.ratio import interval

ALPHA = BETA = 0.05
SECONDS = 15.0
RESTART = 40
"""Blocks between two restarts: ten minutes."""

Rates = Callable[[int], tuple[float, float]]
"""The bad rates of stable and candidate in one block, by its number."""


def upper_bound(count: int, runs: int) -> float:
    """The Clopper-Pearson upper bound of a share, at 99 %."""
    return float(beta_distribution.ppf(0.99, count + 1, runs - count)) if count < runs else 1.0


def dealt(
    draw: np.random.Generator,
    requests: npt.NDArray[np.int64],
    share: float | FloatArray,
    rates: tuple[float, float],
) -> Block:
    """One block of every run: requests dealt to the arms at random, each bad on its own."""
    candidate = draw.binomial(requests, share)
    stable = requests - candidate
    bad_stable, bad = draw.binomial(stable, rates[0]), draw.binomial(candidate, rates[1])
    counts = (np.asarray(one, np.float64) for one in (stable, bad_stable, candidate, bad))
    return Block(*counts)


def blocks(
    rates: Rates, runs: int, length: int, per_second: float = 50.0, seed: int = 1
) -> Iterator[Block]:
    """Runs that ramp from 10 to 50 % in five equal steps."""
    draw = np.random.default_rng(seed)
    for number in range(length):
        share = 0.1 * (1 + 5 * number // length)
        yield dealt(draw, draw.poisson(per_second * SECONDS, runs), share, rates(number))


def ever(
    bounds: Bounds,
    run: Iterator[Block],
    runs: int,
    judge: Callable[[Evidence], FloatArray],
    level: float,
) -> int:
    """How many runs ever show a log e-value of 1/level, looked at after every block."""
    evidence = Evidence.begin(bounds, (runs,))
    shown = np.zeros(runs, dtype=bool)
    for number, block in enumerate(run, start=1):
        evidence = evidence.add(block)
        shown |= judge(evidence) >= -math.log(level)
        if number % RESTART == 0:
            evidence = evidence.restart()
    return int(np.sum(shown))


def steady(stable: float, candidate: float) -> Rates:
    return lambda _: (stable, candidate)


def incident(low: float, high: float, factor: float = 1.0) -> Rates:
    """Both arms fail more often for five minutes."""
    return lambda number: (
        (high, high * factor) if 60 <= number < 80 else (low, min(low * factor, 1.0))
    )


def daily(rate: float, factor: float = 1.0) -> Rates:
    def rates(number: int) -> tuple[float, float]:
        now = rate * (1.0 + 0.8 * math.sin(number / 30.0))
        return now, now * factor

    return rates


@pytest.mark.parametrize(
    ("bounds", "rates", "per_second"),
    [
        pytest.param(Bounds(1.0, 1.5), steady(0.005, 0.005), 50.0, id="equal"),
        pytest.param(Bounds(1.0, 1.5), steady(0.05, 0.05), 500.0, id="equal, many errors"),
        pytest.param(Bounds(1.0, 1.5), steady(0.005, 0.005), 2.0, id="equal, little traffic"),
        pytest.param(Bounds(1.0, 1.5), incident(0.005, 0.03), 50.0, id="shared incident"),
        pytest.param(Bounds(1.1, 1.5), steady(0.005, 0.0055), 50.0, id="at the tolerance"),
        pytest.param(Bounds(1.1, 1.5), steady(0.2, 0.22), 50.0, id="at the tolerance, frequent"),
        pytest.param(Bounds(2.0, 3.0), daily(0.005, 2.0), 50.0, id="at the tolerance, daily wave"),
        pytest.param(Bounds(1.0, 1.5, 0.001), steady(0.005, 0.005), 50.0, id="floor, equal"),
        pytest.param(
            Bounds(1.1, 1.5, 0.001), incident(0.005, 0.03, 1.1), 50.0, id="floor, at the tolerance"
        ),
        pytest.param(
            Bounds(1.1, 1.5, 0.01), steady(0.001, 0.01), 50.0, id="ten times worse, at the floor"
        ),
    ],
)
def test_a_release_within_the_limits_is_rolled_back_in_at_most_alpha_of_the_runs(
    bounds: Bounds, rates: Rates, per_second: float
) -> None:
    runs = 1200
    wrong = ever(bounds, blocks(rates, runs, 200, per_second), runs, Evidence.rollback_log_e, ALPHA)
    assert upper_bound(wrong, runs) <= ALPHA, f"{wrong} of {runs}"


@pytest.mark.parametrize(
    ("bounds", "rates"),
    [
        pytest.param(Bounds(1.1, 1.5), steady(0.005, 0.0075), id="at the margin"),
        pytest.param(Bounds(1.1, 1.5), incident(0.005, 0.03, 1.5), id="at the margin, incident"),
        pytest.param(Bounds(1.1, 1.5, 0.001), steady(0.005, 0.0075), id="floor, at the margin"),
        pytest.param(
            Bounds(1.1, 1.5, 0.001), steady(0.001 / 1.5, 0.001), id="at the margin and the floor"
        ),
        pytest.param(Bounds(1.1, 1.25, 0.01), steady(0.01, 0.0125), id="latency's defaults"),
    ],
)
def test_a_harmful_release_is_certified_in_at_most_beta_of_the_runs(
    bounds: Bounds, rates: Rates
) -> None:
    runs = 3000
    wrong = ever(bounds, blocks(rates, runs, 200), runs, Evidence.certify_log_e, BETA)
    assert upper_bound(wrong, runs) <= BETA, f"{wrong} of {runs}"


def test_weights_chosen_by_what_was_seen_keep_the_guarantee() -> None:
    runs, draw = 1200, np.random.default_rng(5)
    requests = np.full(runs, 750)
    evidence = Evidence.begin(Bounds(1.0, 1.5), (runs,))
    shown = np.zeros(runs, dtype=bool)
    for number in range(1, 201):
        # The worse it looks the more it gets: the least favourable rule that is still sane.
        share = np.where(evidence.rollback_log_e() > 0.0, 0.5, 0.1)
        evidence = evidence.add(dealt(draw, requests, share, (0.005, 0.005)))
        shown |= evidence.rollback_log_e() >= -math.log(ALPHA)
        if number % RESTART == 0:
            evidence = evidence.restart()
    assert upper_bound(int(np.sum(shown)), runs) <= ALPHA


def test_one_alpha_holds_over_several_guardrails() -> None:
    runs = 1200
    several = [Evidence.begin(Bounds(1.0, 1.5), (runs,)) for _ in range(3)]
    shown = np.zeros(runs, dtype=bool)
    streams = [blocks(steady(0.005, 0.005), runs, 200, seed=seed) for seed in (1, 2, 3)]
    for number, each in enumerate(zip(*streams, strict=True), start=1):
        several = [evidence.add(block) for evidence, block in zip(several, each, strict=True)]
        log_e = combine_rollback(np.stack([evidence.rollback_log_e() for evidence in several]))
        shown |= log_e >= -math.log(ALPHA)
        if number % RESTART == 0:
            several = [evidence.restart() for evidence in several]
    assert upper_bound(int(np.sum(shown)), runs) <= ALPHA


def test_the_interval_misses_the_truth_in_at_most_alpha_of_the_runs() -> None:
    runs = 200
    evidence = Evidence.begin(Bounds(1.1, 1.5), (runs,))
    missed = np.zeros(runs, dtype=bool)
    for block in blocks(steady(0.02, 0.03), runs, 60):
        evidence = evidence.add(block)
        for run in range(runs):
            likelihood = evidence.log_likelihoods[0, run].astype(np.float64)
            found = interval(likelihood, ALPHA, evidence.bounds.grid)
            missed[run] |= (found.low or 0.0) >= 1.5 or (found.high or math.inf) <= 1.5
    wrong = int(np.sum(missed))
    assert wrong <= ALPHA * runs, f"{wrong} of {runs}"


def minutes_to_find(bounds: Bounds, factor: float, healthy: int = 0, runs: int = 200) -> FloatArray:
    """Minutes from the first bad block to 1/alpha; a run that is late begins at weight 50 %."""
    draw, requests = np.random.default_rng(3), np.full(runs, 750)
    evidence = Evidence.begin(bounds, (runs,))
    found = np.full(runs, math.inf)
    for number in range(1, healthy + 201):
        share = 0.5 if healthy else 0.1 * (1 + (number - 1) // RESTART)
        rate = 0.005 * (factor if number > healthy else 1.0)
        evidence = evidence.add(dealt(draw, requests, share, (0.005, rate)))
        new = np.isinf(found) & (evidence.rollback_log_e() >= -math.log(ALPHA))
        found[new & (number > healthy)] = (number - healthy) * SECONDS / 60.0
        if number % RESTART == 0:
            evidence = evidence.restart()
    return found


@pytest.mark.parametrize(
    ("bounds", "factor", "healthy", "promised"),
    [
        pytest.param(Bounds(1.0, 1.5, 0.001), 2.0, 0, 9.0, id="2x at tolerance 1.0"),
        pytest.param(Bounds(1.1, 1.5, 0.001), 2.0, 0, 11.0, id="2x at tolerance 1.1"),
        pytest.param(Bounds(1.1, 1.5, 0.001), 5.0, 0, 1.5, id="5x"),
        pytest.param(Bounds(1.1, 1.5, 0.001), 5.0, 500, 3.5, id="5x after two healthy hours"),
        pytest.param(Bounds(1.1, 1.5, 0.001), 5.0, 2900, 3.5, id="5x after twelve healthy hours"),
    ],
)
def test_half_of_the_bad_releases_are_found_within_the_promised_minutes(
    bounds: Bounds, factor: float, healthy: int, promised: float
) -> None:
    runs = 60 if healthy else 400
    assert np.median(minutes_to_find(bounds, factor, healthy, runs)) <= promised
