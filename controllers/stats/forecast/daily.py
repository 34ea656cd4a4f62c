"""A ridge regression that is fitted anew each midnight, on earlier days only."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import DAY, STRIDE

_PENALTY = 1.0
"""As if every slope had been seen to be zero once, at a unit distance; days soon outweigh it."""
_FREE = 1e-3
"""The penalty of the first feature, which is the intercept."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The slopes of one day."""

    slopes: FloatArray
    lowest: float
    highest: float
    """Nothing is predicted that lies outside what the days before have seen."""

    def predict(self, features: FloatArray) -> FloatArray:
        """For features (k, n) the n predictions; NaN if there was nothing to fit."""
        if self.lowest > self.highest:
            return np.full(features.shape[1], np.nan)
        return np.asarray(np.clip(self.slopes @ features, self.lowest, self.highest))


def fits(features: FloatArray, target: FloatArray, start: int, horizon: int) -> list[Fit]:
    """The fits of all days (UTC) that the bins lie in, the first of which has nothing to go by.

    ``features`` is (k, n) without NaN, ``target`` (n,) with NaN where it is not known, ``start``
    the first bin's minute since the unix epoch; a bin's target is known ``horizon`` bins later.
    """
    count, length = features.shape
    gram = np.diag(np.full(count, _PENALTY))
    gram[0, 0] = _FREE
    moment = np.zeros(count)
    lowest, highest = np.inf, -np.inf
    made = []
    for begin, end in _days(start, length):
        slopes = np.asarray(np.linalg.solve(gram, moment), dtype=np.float64)
        made.append(Fit(slopes, lowest, highest))
        rows = slice(begin + -(start + begin) % STRIDE, max(end - horizon, 0), STRIDE)
        seen = np.isfinite(target[rows])
        if np.any(seen):
            fitted, came = features[:, rows][:, seen], target[rows][seen]
            gram += fitted @ fitted.T
            moment += fitted @ came
            lowest, highest = min(lowest, float(came.min())), max(highest, float(came.max()))
    return made


def predict(made: Sequence[Fit], features: FloatArray, start: int) -> FloatArray:
    """At each bin what its day's fit makes of its features."""
    days = _days(start, features.shape[1])
    each = [fit.predict(features[:, at:to]) for fit, (at, to) in zip(made, days, strict=True)]
    return np.concatenate(each)


def _days(start: int, length: int) -> list[tuple[int, int]]:
    """The bins of each day, from one to before another."""
    midnights = range(DAY - start % DAY, length, DAY)
    return list(itertools.pairwise([0, *midnights, length]))
