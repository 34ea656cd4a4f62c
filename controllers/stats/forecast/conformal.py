"""Quantiles of a model's recent residuals: upper bounds that hold as often as they say."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import DAY, STRIDE, WEEK

LEAST = 288 // STRIDE
"""Residuals without which there is no bound: those of 288 minutes."""

_HALF_LIFE = 1.25 * DAY
"""Minutes in which a residual loses half of its weight: unrest changes from day to day, and the
far tail needs more than one day to be seen at all."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Residuals:
    """A model's residuals in ascending order, each with the minute at which it was known."""

    values: FloatArray
    known: IntArray
    origin: int
    """The minute that weights are counted from; without effect but for rounding."""
    block: float
    """How many of them share their minutes with the one to come, and so count as one."""

    def upto(self, instants: IntArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """For each instant (minutes) the summed weights of those of the week before it.

        The sums are (instants, residuals); with them the number that counts and the weight that
        the residual to come would have.
        """
        weights = np.exp2((self.known - self.origin) / _HALF_LIFE)
        counted = (self.known <= instants[:, None]) & (self.known > instants[:, None] - WEEK)
        sums = np.cumsum(np.where(counted, weights, 0.0), axis=1)
        coming = self.block * np.exp2((instants - self.origin) / _HALF_LIFE)
        return sums, counted.sum(axis=1, dtype=np.int64), coming

    def quantiles(self, instants: IntArray, levels: FloatArray) -> FloatArray:
        """The (instants, levels) quantiles as known at each instant; NaN with less than LEAST.

        Split conformal: of the residuals and the one to come, which is taken to be the largest,
        a share of ``level`` lies at or below. With weights that fall with age it holds up to the
        drift within a half-life (Barber et al., Annals of Statistics 51, 2023).
        """
        sums, counts, coming = self.upto(instants)
        found = np.full((len(instants), len(levels)), np.nan)
        for row in np.flatnonzero(counts >= LEAST):
            found[row] = self.values[ranks(sums[row], float(coming[row]), levels)]
        return found


def residuals(values: FloatArray, issued: IntArray, horizon: int, origin: int) -> Residuals:
    """The residuals of forecasts issued at some minutes for the ``horizon`` minutes after them."""
    there = np.isfinite(values)
    order = np.argsort(values[there], kind="stable")
    return Residuals(
        values[there][order],
        issued[there][order] + horizon,
        origin,
        max(1.0, horizon / STRIDE),
    )


def ranks(sums: FloatArray, coming: float, levels: FloatArray) -> IntArray:
    """The place of the residual that a share of each level lies at or below, by summed weights."""
    wanted = np.minimum(levels * (sums[-1] + coming), sums[-1])
    return np.asarray(np.searchsorted(sums, wanted, side="left"), dtype=np.int64)
