"""Runs of a release side by side: requests, bad answers, and the counters that Prometheus saw."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.worlds import Trouble, Weather, World

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

STABLE, CANDIDATE = 0, 1
GOOD, BAD = 0, 1


@dataclass(frozen=True)
class Setting:
    """One cell of the benchmark."""

    world: World
    traffic: float = 50.0
    """Requests per second of both arms together, in the mean."""
    base: float = 0.005
    """The bad rate of a version as it should be."""
    ratio: float = 1.0
    """How many times as bad the candidate is."""
    onset: tuple[float, float] | None = None
    """Minutes between which the candidate turns bad, uniformly; None: from the start."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What happened; arrays are (ticks, runs), counts have (arm, good or bad) before that."""

    counts: FloatArray
    excess: FloatArray
    """The bad answers that the candidate's ratio is expected to have added."""
    onset: FloatArray
    """Minutes until the candidate turned bad, per run."""


@dataclass(frozen=True, eq=False)
class Scraped:
    """What Prometheus has: instants 0 .. ticks are one scrape apart, the first finds no count."""

    ramp: Ramp
    values: FloatArray
    """The counters at each instant: (arm, good or bad, instants, runs)."""
    present: BoolArray
    """Whether the scrape worked: (arm, instants, runs); at instant 0 it always did."""
    away: BoolArray
    """Whether queries at this instant fail: (instants, runs)."""

    @property
    def last(self) -> IntArray:
        """The newest sample at each instant: (arm, instants, runs)."""
        instants = np.arange(self.present.shape[1])[None, :, None]
        found: IntArray = np.maximum.accumulate(np.where(self.present, instants, 0), axis=1)
        return found

    def grown(self) -> FloatArray:
        """How much each counter grew up to each instant, as its samples tell.

        A sample below the one before it counts as a whole: the same rule as in
        ``controllers.stats.growth``, which reads one run at a time (a test holds them together).
        """
        seen = np.take_along_axis(self.values, self.last[:, None], axis=2)
        step = np.diff(seen, axis=2, prepend=seen[:, :, :1])
        return np.cumsum(np.where(step < 0.0, seen, step), axis=2)


def simulate(
    draw: np.random.Generator, setting: Setting, ramp: Ramp, runs: int
) -> tuple[Truth, Scraped]:
    """So many runs of one setting: the truth and what was scraped of it."""
    truth = happen(draw, setting, ramp, runs)
    return truth, scrape(draw, truth.counts, ramp, setting.world.trouble)


def happen(draw: np.random.Generator, setting: Setting, ramp: Ramp, runs: int) -> Truth:
    """Requests as a Poisson process, dealt to the arms by the weight, each bad on its own."""
    shape = (ramp.ticks, runs)
    weather: Weather = setting.world.weather(draw, ramp, runs, setting.base)
    requests = draw.poisson(setting.traffic * ramp.tick * np.broadcast_to(weather.traffic, shape))
    candidate = draw.binomial(requests, ramp.shares[:, None])
    onset = draw.uniform(*(setting.onset or (-1.0, -1.0)), runs)
    turned = (onset * 60.0 + ramp.offset) / ramp.tick
    begun = np.clip(np.arange(1, ramp.ticks + 1)[:, None] - turned, 0.0, 1.0)
    usual = np.broadcast_to(weather.candidate, shape)
    # In the tick in which it turns bad only the later part is bad.
    rate = np.minimum(usual * (1.0 + (setting.ratio - 1.0) * begun), 1.0)
    bad_candidate = draw.binomial(candidate, rate)
    stable = requests - candidate
    bad_stable = draw.binomial(stable, np.broadcast_to(weather.stable, shape))
    counts = np.array(
        [[stable - bad_stable, bad_stable], [candidate - bad_candidate, bad_candidate]], np.float64
    )
    excess = candidate.astype(np.float64) * np.maximum(rate - usual, 0.0)
    return Truth(counts, excess, np.maximum(onset, 0.0))


def scrape(draw: np.random.Generator, counts: FloatArray, ramp: Ramp, trouble: Trouble) -> Scraped:
    """The counters as they were scraped, with everything that went wrong."""
    values = _counters(draw, counts, trouble.resets_per_minute * ramp.tick / 60.0)
    late = round(trouble.skew / ramp.tick)
    if late:
        values[STABLE] = np.concatenate(
            [np.repeat(values[STABLE][:, :1], late, axis=1), values[STABLE][:, :-late]], axis=1
        )
    instants, runs = values.shape[2:]
    present = draw.random((2, instants, runs)) >= trouble.missing
    away = np.zeros((instants, runs), np.bool_)
    gap = round(trouble.outage / ramp.tick)
    if gap:
        begin = draw.integers(1, instants - gap - 1, runs)
        instant = np.arange(instants)[:, None]
        away = (instant >= begin) & (instant < begin + gap)
    present &= ~away
    present[:, 0] = True
    return Scraped(ramp, values, present, away)


def _counters(draw: np.random.Generator, counts: FloatArray, reset_share: float) -> FloatArray:
    """Counter values at each instant; a reset loses what was counted since the last scrape."""
    start = np.zeros((2, 2, 1, counts.shape[3]))
    if reset_share == 0.0:
        return np.concatenate([start, np.cumsum(counts, axis=2)], axis=2)
    reset = draw.random((2, *counts.shape[2:])) < reset_share
    left = draw.binomial(counts.astype(np.int64), draw.random(reset.shape)[:, None])
    value, values = start[:, :, 0], [start[:, :, 0]]
    for tick in range(counts.shape[2]):
        value = np.where(reset[:, None, tick], left[:, :, tick], value + counts[:, :, tick])
        values.append(value)
    return np.stack(values, axis=2)
