"""Kayenta's NetflixACAJudge on one critical metric, written from a description of its rule."""

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.rules import Seen, first, marks
from hack.bench.canary.simulate import CANDIDATE, STABLE, BoolArray

Z = 2.3263478740408408
"""The quantile of the two-sided 98 % interval."""
TOLERANCE = 0.25
"""The share of the estimated shift that the interval's lower end must exceed."""
FIRST_MINUTES, EVERY_MINUTES = 10, 5


def high(control: FloatArray, experiment: FloatArray) -> BoolArray:
    """Whether the experiment is classified High, for each row of points; NaN is no point.

    The Mann-Whitney interval of the shift is the range of shifts that are not rejected. The
    statistic changes only where the shift is a difference of two points, so its ends are order
    statistics of the differences; between them only ties within an arm affect the variance.
    """
    c, e = np.atleast_2d(control), np.atleast_2d(experiment)
    n_c, n_e = (np.sum(np.isfinite(points), axis=1) for points in (c, e))
    differences = np.sort((e[:, :, None] - c[:, None, :]).reshape(len(c), -1), axis=1)
    pairs = n_c * n_e
    known = pairs > 0
    low = _order(differences, np.ceil(pairs / 2 - 0.5 - Z * _sigma(c, e, n_c, n_e)), pairs)
    middle = (
        _order(differences, (pairs + 1) // 2, pairs) + _order(differences, pairs // 2 + 1, pairs)
    ) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_c, mean_e = (np.nansum(p, axis=1) / n for p, n in ((c, n_c), (e, n_e)))
        effect = (mean_e / mean_c >= 1.0) | (mean_c == 0.0) | (mean_e == 0.0)
    found: BoolArray = known & effect & ~_same(c, e) & (low > TOLERANCE * np.abs(middle))
    return found


def _order(
    ascending: FloatArray,
    rank: npt.NDArray[np.float64] | npt.NDArray[np.int64],
    pairs: npt.NDArray[np.int64],
) -> FloatArray:
    """The order statistic of each row, by a rank that is brought into 1 .. pairs."""
    column = np.clip(rank, 1, np.maximum(pairs, 1)).astype(np.int64) - 1
    return np.take_along_axis(ascending, column[:, None], axis=1)[:, 0]


def _sigma(
    c: FloatArray, e: FloatArray, n_c: npt.NDArray[np.int64], n_e: npt.NDArray[np.int64]
) -> FloatArray:
    """The standard deviation of the statistic, with the correction for ties within each arm."""
    n = n_c + n_e
    ties = np.zeros(len(c))
    for points in (c, e):
        equal = np.sum(points[:, :, None] == points[:, None, :], axis=2).astype(np.float64)
        ties += np.sum(np.where(equal > 0, equal**2 - 1.0, 0.0), axis=1)
    corrected = (n + 1.0) - ties / np.maximum(n * (n - 1.0), 1.0)
    sigma: FloatArray = np.sqrt(np.maximum(n_c * n_e / 12.0 * corrected, 0.0))
    return sigma


def _same(c: FloatArray, e: FloatArray) -> BoolArray:
    """Whether both arms have the same points, or all points are one value."""
    both = np.concatenate([c, e], axis=1)
    highest, lowest = (limit.reduce(both, axis=1) for limit in (np.fmax, np.fmin))
    same: BoolArray = np.equal(highest, lowest)
    if c.shape == e.shape:
        pair = (np.nan_to_num(np.sort(points, axis=1), nan=-1.0) for points in (c, e))
        same |= np.equal(*pair).all(axis=1)
    return same


def found(seen: Seen) -> FloatArray:
    """When the bad share per minute is first High, judged on all minutes so far; inf: never."""
    looks = marks(seen.ramp, 60.0)
    stable, candidate = (seen.window(arm, 60.0).share[looks].T for arm in (STABLE, CANDIDATE))
    return judged(stable, candidate, seen.ramp)


def judged(stable: FloatArray, candidate: FloatArray, ramp: Ramp) -> FloatArray:
    """The same for any metric with one point per minute: (runs, minutes)."""
    ends = np.arange(FIRST_MINUTES, stable.shape[1] + 1, EVERY_MINUTES)
    verdicts = np.array([high(stable[:, :end], candidate[:, :end]) for end in ends])
    return first(verdicts, ramp, ends * ramp.length(1.0))
