"""The worlds: how errors and traffic behave over time, and what goes wrong with the scrapes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary.ramp import Ramp


@dataclass(frozen=True, eq=False)
class Weather:
    """What holds whatever version answers; arrays broadcast to (ticks, runs)."""

    traffic: FloatArray
    """Requests, as multiples of the mean."""
    stable: FloatArray
    """The bad rate of stable."""
    candidate: FloatArray
    """The bad rate that the candidate would have if the version did not matter."""


@dataclass(frozen=True)
class Trouble:
    """What comes between the counters and Prometheus."""

    resets_per_minute: float = 0.0
    """How often each arm's counters begin at zero again; the counts since the scrape are lost."""
    missing: float = 0.0
    """The share of the scrapes of each arm that fail, each on its own."""
    skew: float = 0.0
    """Seconds by which stable's samples are older than the candidate's."""
    outage: float = 0.0
    """Seconds without any scrape or answer, once in each run, at a random moment."""


Draw = Callable[[np.random.Generator, Ramp, int, float], Weather]
"""From (generator, ramp, runs, base rate)."""


@dataclass(frozen=True)
class World:
    """One kind of world; the version makes no difference in it unless a ratio is applied."""

    name: str
    weather: Draw
    trouble: Trouble = Trouble()
    null: bool = True
    """Whether "the version does not matter" is exactly what the judge's guarantee presumes."""


def _alike(rate: FloatArray, traffic: FloatArray | None = None) -> Weather:
    return Weather(np.ones((1, 1)) if traffic is None else traffic, rate, rate)


def stationary(_draw: np.random.Generator, _ramp: Ramp, _runs: int, base: float) -> Weather:
    """Nothing changes."""
    return _alike(np.full((1, 1), base))


def incident(draw: np.random.Generator, ramp: Ramp, runs: int, base: float) -> Weather:
    """Both arms fail more often, 3 % (or six times the base rate), for five minutes."""
    begin = draw.integers(0, ramp.ticks - ramp.length(5.0), runs)
    ticks = np.arange(ramp.ticks)[:, None]
    during = (ticks >= begin) & (ticks < begin + ramp.length(5.0))
    return _alike(np.where(during, max(0.03, 6.0 * base), base))


def diurnal(draw: np.random.Generator, ramp: Ramp, runs: int, base: float) -> Weather:
    """Errors and traffic each swing by 80 %, one swing in 50 minutes, each with its own phase."""
    angle = 2.0 * np.pi * np.arange(ramp.ticks)[:, None] / ramp.length(50.0)
    phases = draw.uniform(0.0, 2.0 * np.pi, (2, runs))
    rate, traffic = (1.0 + 0.8 * np.sin(angle + phase) for phase in phases)
    return _alike(base * rate, traffic)


def bursty(draw: np.random.Generator, ramp: Ramp, runs: int, base: float) -> Weather:
    """The log of the rate wanders: AR(1), 0.8 per minute, standard deviation 0.8, same mean."""
    memory, spread = 0.8 ** (ramp.tick / 60.0), 0.8
    log = np.empty((ramp.ticks, runs))
    log[0] = draw.normal(0.0, spread, runs)
    kicks = draw.normal(0.0, spread * np.sqrt(1.0 - memory**2), (ramp.ticks, runs))
    for tick in range(1, ramp.ticks):
        log[tick] = memory * log[tick - 1] + kicks[tick]
    return _alike(np.minimum(base * np.exp(log - spread**2 / 2.0), 0.5))


def pods_differ(draw: np.random.Generator, _ramp: Ramp, runs: int, base: float) -> Weather:
    """Two pods per arm, each with a log-normal factor of its own (standard deviation 0.3)."""
    factors = np.exp(draw.normal(0.0, 0.3, (2, 2, runs))).mean(axis=1)
    stable, candidate = (base * factor[None, :] for factor in factors)
    return Weather(np.ones((1, 1)), stable, candidate)


def under_the_floor(draw: np.random.Generator, ramp: Ramp, runs: int, _base: float) -> Weather:
    """Stable fails in 0.001 %, the candidate in 0.09 %; then both in 3 % for five minutes."""
    shared = incident(draw, ramp, runs, 0.0)
    return Weather(
        shared.traffic, np.maximum(shared.stable, 1e-5), np.maximum(shared.candidate, 9e-4)
    )


STATIONARY = World("stationary", stationary)

NULLS: tuple[World, ...] = (
    STATIONARY,
    World("shared incident", incident),
    World("diurnal", diurnal),
    World("bursty", bursty),
    World("counter resets", stationary, Trouble(resets_per_minute=0.2)),
    World("missing scrapes", stationary, Trouble(missing=0.1)),
    World("scrape skew", stationary, Trouble(skew=30.0)),
    World("outage", stationary, Trouble(outage=120.0)),
)
"""Where the guarantee holds: every one of them is a target."""

BEYOND: tuple[World, ...] = (
    World("pods differ", pods_differ, null=False),
    World("under the floor, then an incident", under_the_floor, null=False),
    World("scrape skew and an incident", incident, Trouble(skew=30.0), null=False),
)
"""Where it does not hold, reported apart."""
