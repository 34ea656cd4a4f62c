"""What the tables say of the runs of one judge: shares with their bounds, and times."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from controllers.readings import FloatArray

CONFIDENCE = 0.95


def upper_bound(count: int, runs: int) -> float:
    """The one-sided Clopper-Pearson bound of a share, at 95 %."""
    return float(beta.ppf(CONFIDENCE, count + 1, runs - count)) if count < runs else 1.0


@dataclass(frozen=True)
class Share:
    """How many of the runs."""

    count: int
    runs: int

    @property
    def value(self) -> float:
        """The share that was seen."""
        return self.count / self.runs

    @property
    def upper(self) -> float:
        """The bound that the true share exceeds only if this was a one in twenty chance."""
        return upper_bound(self.count, self.runs)


def share(found: FloatArray) -> Share:
    """How many runs had a verdict at all."""
    return Share(int(np.sum(np.isfinite(found))), len(found))


def quantile(found: FloatArray, level: float) -> float:
    """A quantile of the minutes over all runs; inf where too few runs had a verdict."""
    ordered = np.sort(found)
    return float(ordered[min(math.ceil(level * len(ordered)), len(ordered)) - 1])


def harm(excess: FloatArray, found: FloatArray, tick: float, offset: float) -> float:
    """The mean of the bad answers that the ratio added until the verdict, or to the end.

    ``excess`` is per tick (ticks, runs), ``found`` in minutes after ``offset`` seconds.
    """
    added = np.concatenate([np.zeros((1, excess.shape[1])), np.cumsum(excess, axis=0)])
    instant = np.clip((found * 60.0 + offset) / tick, 0.0, len(excess))
    before = instant.astype(np.int64)
    after = np.minimum(before + 1, len(excess))
    low, high = (np.take_along_axis(added, at[None], axis=0)[0] for at in (before, after))
    return float(np.mean(low + (instant - before) * (high - low)))
