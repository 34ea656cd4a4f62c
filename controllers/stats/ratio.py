"""The mixture e-process on the ratio of two arms' bad rates, given the split seen in each block."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from controllers.stats.mixture import Counts, log_mixture, log_weights, tilt

LOWEST, HIGHEST = 0.2, 64.0
BELOW, BETWEEN, ABOVE = 11, 5, 14


@dataclass(frozen=True, eq=False)
class Grid:
    """The ratios that are tested, ascending, with a prior for each question.

    Every point with rollback weight lies strictly above the tolerance and every point with
    certifying weight strictly below the margin: a point on the wrong side would gather evidence
    against a release that is as it should be.
    """

    ratios: FloatArray
    tolerance: int
    """The index of the tolerance in ``ratios``."""
    margin: int
    """The index of the margin in ``ratios``."""
    rollback: FloatArray
    """Log weights, -inf at or below the tolerance."""
    certify: FloatArray
    """Log weights, -inf at or above the margin."""
    interval: FloatArray
    """Log weights over the whole grid."""


@dataclass(frozen=True)
class Interval:
    """Ends of the ratio; None where nothing is known on that side."""

    low: float | None
    high: float | None


@lru_cache(maxsize=64)
def grid(tolerance: float, margin: float) -> Grid:
    """The grid for these limits: 32 points from 0.2 to 64, the same for the same limits."""
    if not 1.0 <= tolerance < margin <= HIGHEST / 2:
        raise ValueError(
            f"tolerance {tolerance} and margin {margin}: need 1 <= tolerance < margin <= 32"
        )
    # Points are denser towards the limit they are compared with: an alternative must be hit the
    # more exactly the closer it is.
    down = tolerance * (LOWEST / tolerance) ** (np.arange(BELOW, 0, -1) / BELOW) ** 1.3
    inner = np.geomspace(tolerance, margin, BETWEEN + 2)
    up = margin * (HIGHEST / margin) ** (np.arange(1, ABOVE + 1) / ABOVE) ** 1.3
    ratios = np.concatenate([down, inner, up])
    ratios[BELOW], ratios[BELOW + BETWEEN + 1] = tolerance, margin
    width = np.gradient(np.log(ratios))
    above, below = ratios > tolerance, ratios < margin
    made = Grid(
        ratios=ratios,
        tolerance=BELOW,
        margin=BELOW + BETWEEN + 1,
        # The flat part is for total failures: they are found an answer or two sooner with it.
        rollback=log_weights(width * (_normal(ratios, 1.5, 0.8) + 0.03) * above),
        certify=log_weights(width * _normal(ratios, 1.0, 0.25) * below),
        interval=log_weights(width * _normal(ratios, 1.0, 1.0)),
    )
    for array in (made.ratios, made.rollback, made.certify, made.interval):
        array.flags.writeable = False
    return made


def _normal(ratios: FloatArray, centre: float, spread: float) -> FloatArray:
    weights: FloatArray = np.exp(-0.5 * (np.log(ratios / centre) / spread) ** 2)
    return weights


def increments(
    stable: Counts, candidate: Counts, bad_stable: Counts, bad_candidate: Counts, over: Grid
) -> FloatArray:
    """What one block adds to the log likelihood of each ratio of the grid (last axis).

    Given the requests of both arms, each request bad on its own with a mean rate per arm, the
    exponential of (value at k - value at k0) has a mean of at most 1 whenever the rates' ratio is
    at most k0 < k (or at least k0 > k): E = prod (1 + p (a - 1)) <= exp(sum p (a - 1)), and the
    exponent is at most 0. For k0 = 1 it suffices that the arms share the traffic at random, however
    bursty and correlated the errors are (Hoeffding 1963: sampling without replacement).
    """
    total = np.asarray(stable, dtype=np.float64) + candidate
    share = np.divide(candidate, total, out=np.zeros_like(total), where=total > 0)
    bad = np.asarray(bad_stable, dtype=np.float64) + bad_candidate
    return tilt(bad_candidate, bad, share, over.ratios)


def rollback_log_e(log_likelihoods: FloatArray, over: Grid) -> FloatArray:
    """The log e-value against "the ratio is at most the tolerance"; grid on the last axis."""
    null = log_likelihoods[..., over.tolerance, None]
    return log_mixture(log_likelihoods - null, over.rollback)


def certify_log_e(log_likelihoods: FloatArray, over: Grid) -> FloatArray:
    """The log e-value against "the ratio is at least the margin"; grid on the last axis."""
    null = log_likelihoods[..., over.margin, None]
    return log_mixture(log_likelihoods - null, over.certify)


def estimate(log_likelihoods: FloatArray, over: Grid) -> float | None:
    """The most likely ratio, block by block; None where the counts do not say.

    Unlike the ratio of the arms' totals it is not bent by a weight and a common rate that change
    together. The top of the parabola through the best point and its neighbours.
    """
    best = int(np.argmax(log_likelihoods))
    if best in (0, len(over.ratios) - 1):
        return None
    near = slice(best - 1, best + 2)
    (x0, x1, x2), (y0, y1, y2) = np.log(over.ratios[near]), log_likelihoods[near]
    up, down = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
    if up == down:
        return float(over.ratios[best])
    return float(np.exp(x1 - 0.5 * ((x1 - x0) * up - (x1 - x2) * down) / (up - down)))


def interval(log_likelihoods: FloatArray, alpha: float, over: Grid) -> Interval:
    """An interval that holds the true ratio at every look with a probability of 1 - alpha.

    An end is the last of the outermost points that are each refuted by a one-sided e-value of
    2/alpha: the first point beyond the truth is refuted only with a probability of alpha/2.
    """
    size = len(over.ratios)
    gains = log_likelihoods[None, :] - log_likelihoods[:, None]
    threshold = math.log(2.0 / alpha)
    larger = np.triu(np.ones((size, size), dtype=bool), 1)
    too_low = _one_sided(gains, larger, over) >= threshold
    too_high = _one_sided(gains, larger.T, over)[::-1] >= threshold
    return Interval(_last_of_run(too_low, over.ratios), _last_of_run(too_high, over.ratios[::-1]))


def _one_sided(gains: FloatArray, alternatives: npt.NDArray[np.bool_], over: Grid) -> FloatArray:
    """For each point (row) the log e-value against it, mixed over its alternatives (columns)."""
    logs = np.where(alternatives, over.interval, -np.inf)
    prior = log_mixture(np.zeros_like(gains), logs)
    with np.errstate(invalid="ignore"):  # the outermost point has no alternative: no evidence
        return np.where(np.isfinite(prior), log_mixture(gains, logs) - prior, -np.inf)


def _last_of_run(refuted: npt.NDArray[np.bool_], points: FloatArray) -> float | None:
    length = int(np.argmin(np.append(refuted, False)))
    return float(points[length - 1]) if length else None
