"""How often the forecast's bounds held in the days that are judged, and how wide they were."""

import math
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.forecast import outlooks
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.world import SCRAPE, SPREAD

LEVELS = (0.95, 0.98)
MINUTE = 60
NORMAL90 = 1.2816


def slow_start(median: float) -> float:
    """The start-up time in seconds that nine of ten replicas do not exceed."""
    return median * math.exp(NORMAL90 * math.sqrt(math.log1p(SPREAD**2)))


def horizon(startup: float) -> int:
    """Minutes ahead that matter: the start-up time, two looks, and the minute that has begun."""
    return math.ceil((slow_start(startup) + 2 * SCRAPE) / MINUTE) + 1


@dataclass(frozen=True)
class Held:
    """One level of one forecast in one cell; means over seeds."""

    startup: float
    level: float
    covered: float
    """Share of the minutes in which the highest demand ahead was at most the bound."""
    width: float
    """How much the bounds exceeded what came, in sum, as a share of it."""


def held(counts: IntArray, startups: tuple[float, ...], first: int, last: int) -> list[Held]:
    """All levels for each start-up time, judged on the minutes from second ``first`` to ``last``.

    ``counts`` are requests (seeds, seconds) from the beginning of the history.
    """
    found = []
    rates = counts[:, : counts.shape[1] // MINUTE * MINUTE].reshape(len(counts), -1, MINUTE)
    bins = rates.mean(axis=2)
    for startup in startups:
        ahead = horizon(startup)
        said = [outlooks(one, 0, [ahead], LEVELS).upper[0] for one in bins]
        for place, level in enumerate(LEVELS):
            pairs = [
                _judged(one, upper[place], ahead, first // MINUTE, last // MINUTE)
                for one, upper in zip(bins, said, strict=True)
            ]
            came, bound = (np.concatenate(side) for side in zip(*pairs, strict=True))
            covered = float(np.mean(came <= bound))
            found.append(Held(startup, level, covered, float(bound.sum() / came.sum() - 1.0)))
    return found


def _judged(
    bins: FloatArray, upper: FloatArray, ahead: int, first: int, last: int
) -> tuple[FloatArray, FloatArray]:
    """What came in the ``ahead`` bins after each minute, and the bound that was known then."""
    came = np.lib.stride_tricks.sliding_window_view(bins, ahead).max(axis=1)
    ends = np.arange(first, last - ahead)  # the forecast at the end of bin e is of e + 1 on
    known = np.isfinite(upper[ends])
    return came[ends + 1][known], upper[ends][known]
