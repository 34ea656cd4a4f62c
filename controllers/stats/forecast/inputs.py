"""What a forecast can go by: the last day, and the same time of earlier days."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import (
    DAY,
    HOUR,
    WEEK,
    ahead_max,
    earlier,
    last_means,
    to_log,
    trailing_max,
    trailing_mean,
    trailing_means,
)

TAIL = DAY + 1
"""Bins that ``Recent`` needs for its last one."""

_CLIP = 2.0
"""Log units; what lies further out is a level shift, which is no slope to learn."""
_FLOOR, _USUAL = 0.003, 0.05
"""Log units: the spread that no series is taken to go below, and an ordinary one."""


@dataclass(frozen=True, eq=False)
class Recent:
    """What the last day shows at each of n bins, in log(1 + requests per minute)."""

    level: FloatArray
    """The mean of three minutes."""
    came: FloatArray
    """The highest of the next ``horizon`` bins; NaN while not known."""
    growth: FloatArray
    """(6, n): the last minute, longer means, and the highest of half an hour, less the level."""
    unrest: FloatArray
    """(3, n): how much demand changes from minute to minute, and grew within a horizon."""


_MEANS, _CHANGES, _HIGHEST, _GROWN = (
    (3, 10, HOUR // 2, 2 * HOUR, DAY),
    (20, DAY),
    HOUR // 2,
    6 * HOUR,
)
"""Bins that the features of ``Recent`` look back on."""


def recent(rates: FloatArray, horizon: int) -> Recent:
    """What each bin and those before it show."""
    level, *means = (to_log(np.maximum(mean, 0.0)) for mean in trailing_means(rates, _MEANS))
    log = to_log(rates)
    came = to_log(ahead_max(rates, horizon))
    changes = np.abs(log - earlier(log, 1))
    grown = earlier(np.abs(came - level), horizon)
    return Recent(
        level,
        came,
        np.stack([log, *means, to_log(trailing_max(rates, _HIGHEST))]) - level,
        np.stack([*trailing_means(changes, _CHANGES), trailing_mean(grown, _GROWN)]),
    )


def latest(rates: FloatArray, horizon: int) -> Recent:
    """``recent`` of the last bin only, for a fifth of the time; of ``TAIL`` bins or more."""
    level, *means = to_log(np.maximum(last_means(rates, _MEANS), 0.0))
    log = to_log(rates)
    highest = np.fmax.reduce(rates[-_HIGHEST:])
    # The growth that is over reaches a horizon further back than its mean, and a level two bins.
    short = rates[-(_GROWN + horizon + 2) :]
    before = to_log(np.maximum(trailing_mean(short, 3), 0.0))
    grown = np.abs(to_log(ahead_max(short, horizon)) - before)[: len(short) - horizon]
    unrest = [*last_means(np.abs(np.diff(log)), _CHANGES), *last_means(grown, (_GROWN,))]
    return Recent(
        np.array([level]),
        np.array([np.nan]),
        np.array([[log[-1]], *([one] for one in means), [to_log(highest)]]) - level,
        np.array(unrest)[:, np.newaxis],
    )


class Timed(NamedTuple):
    """What earlier days showed at the time of day of each of n bins; known hours ahead."""

    growth: FloatArray
    """The median growth within a horizon of three days, so that one odd day does no harm."""
    came: FloatArray
    """The median of what came."""
    week_growth: FloatArray
    week_came: FloatArray
    """The same a week before."""
    missed: FloatArray
    """The mean of |growth|."""
    highest: FloatArray
    """The highest rate (requests/s) of the last week."""


def timed(rates: FloatArray, came: FloatArray, growth: FloatArray) -> Timed:
    """What lies a day and more before each bin; ``came`` and ``growth`` are NaN where unknown."""
    around = _centred(growth, 5)
    return Timed(
        median_of_days(around),
        median_of_days(came),
        earlier(around, WEEK),
        earlier(came, WEEK),
        _mean_of_days(_centred(np.abs(growth), 31)),
        trailing_max(rates, WEEK),
    )


def growth_features(near: Recent, far: Timed) -> FloatArray:
    """(11, n): what growth may depend on, in log units; 0 where it is not known."""
    highs = [far.came - near.level, far.week_came - near.level]
    rows = np.stack([np.ones_like(near.level), *near.growth, far.growth, far.week_growth, *highs])
    return _known_or_zero(np.clip(rows, -_CLIP, _CLIP))


def growth_target(growth: FloatArray) -> FloatArray:
    """The growth, but for what no slope should learn from."""
    return np.clip(growth, -_CLIP, _CLIP)


def spread_features(near: Recent, far: Timed) -> FloatArray:
    """(5, n): what the size of growth may depend on; 0 where it is not known."""
    rows = spread_target(np.stack([*near.unrest, far.missed]))
    return _known_or_zero(np.concatenate([np.ones_like(rows[:1]), rows]))


def spread_target(spread: FloatArray) -> FloatArray:
    """The log of |growth|, 0 where it is as usual."""
    return np.asarray(np.log((np.abs(spread) + _FLOOR) / _USUAL), dtype=np.float64)


def median_of_days(values: FloatArray) -> FloatArray:
    """The median of the same minute of the three days before, of those that are known."""
    one, two, three = (earlier(values, days * DAY) for days in (1, 2, 3))
    low, high = np.fmin(one, two), np.fmax(one, two)
    middle = np.fmax(low, np.fmin(high, three))
    count = np.isfinite(one).astype(np.int8) + np.isfinite(two) + np.isfinite(three)
    halfway = 0.5 * (np.fmin(low, three) + np.fmax(high, three))
    return np.where(count == 3, middle, halfway)


def _mean_of_days(values: FloatArray) -> FloatArray:
    days = np.stack([earlier(values, days * DAY) for days in (1, 2, 3)])
    there = np.isfinite(days)
    count = there.sum(axis=0, dtype=np.float64)
    count[count == 0.0] = np.nan
    return np.asarray(np.where(there, days, 0.0).sum(axis=0) / count, dtype=np.float64)


def _centred(values: FloatArray, width: int) -> FloatArray:
    """The mean around each bin; of use a day later, when what came after it is known."""
    return earlier(trailing_mean(values, width), -(width // 2))


def _known_or_zero(features: FloatArray) -> FloatArray:
    features[np.isnan(features)] = 0.0
    return features
