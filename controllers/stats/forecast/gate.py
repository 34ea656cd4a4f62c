"""Which model is in use: the plain one, unless another has earned its place in the last day."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import DAY, HOUR, STRIDE, WEEK, from_log
from controllers.stats.forecast.conformal import IntArray, Residuals, residuals
from controllers.stats.forecast.models import Track

REFRESH = 6 * HOUR
"""Minutes between two looks at what is known by then, at 0, 6, 12 and 18 o'clock UTC."""
LEVEL = 0.95
"""The level of the bound that models are compared by and that is kept on record."""

_EARNED = 0.95
"""The share of the plain model's loss that another must stay below."""
_LEAST_SCORED = 6 * HOUR // STRIDE
_DAY_OF_LOOKS = DAY // REFRESH
_WEEK_OF_LOOKS = WEEK // REFRESH


@dataclass(frozen=True, eq=False)
class Record:
    """What was known at each look of a track, the first of them at or before its first minute."""

    first: int
    """The number of the first look; look i is at minute i * REFRESH since the unix epoch."""
    errors: tuple[Residuals, ...]
    """Of each model."""
    chosen: IntArray
    """The place of the model in use from each look on."""
    skill: FloatArray
    """The share of the plain model's loss that it saved in the day before; 0 for that model."""
    coverage: FloatArray
    """The share of the week before in which the bound in use at LEVEL held; NaN if not known."""
    width: FloatArray
    """How much those bounds exceeded what came, in sum, as a share of it."""


def record(track: Track, since: int = 0) -> Record:
    """The looks of a track; those before number ``since`` are left unknown, which saves time."""
    end = track.start + len(track.came)
    first = track.start // REFRESH
    looks = np.arange(first, (end - 1) // REFRESH + 1, dtype=np.int64)
    at = slice(-track.start % STRIDE, None, STRIDE)
    issued = np.arange(track.start, end, dtype=np.int64)[at]
    came = track.came[at]
    errors = tuple(
        residuals((came - one.centre[at]) / one.scale[at], issued, track.horizon, track.start)
        for one in track.models
    )
    wanted = looks >= since
    during = issued // REFRESH - first
    known = -(-(issued + track.horizon) // REFRESH) - first
    bounds = np.empty((len(track.models), len(issued)))
    for row, (one, errs) in enumerate(zip(track.models, errors, strict=True)):
        bound = np.full(len(looks), np.nan)
        bound[wanted] = errs.quantiles(looks[wanted] * REFRESH, np.array([LEVEL]))[:, 0]
        logs = one.centre[at] + bound[during] * one.scale[at]
        bounds[row] = from_log(np.minimum(logs, track.ceiling[at]))
    highest = from_log(came)
    chosen, skill = _choose(bounds, highest, known, len(looks))
    used = bounds[chosen[during], np.arange(len(issued))]
    coverage, width = _kept(used, highest, known, len(looks))
    return Record(first, errors, chosen, skill, coverage, width)


def _choose(
    bounds: FloatArray, came: FloatArray, known: IntArray, looks: int
) -> tuple[IntArray, FloatArray]:
    """The model with the least pinball loss over the day before each look, if that is earned."""
    over = came - bounds
    losses = np.where(over > 0.0, LEVEL * over, (LEVEL - 1.0) * over)
    shares = np.full((len(bounds), looks), np.inf)
    for row in range(1, len(bounds)):
        both = np.isfinite(losses[0]) & np.isfinite(losses[row])
        scored = _recent(both.astype(np.float64), both, known, looks, _DAY_OF_LOOKS)
        plain = _recent(losses[0], both, known, looks, _DAY_OF_LOOKS)
        other = _recent(losses[row], both, known, looks, _DAY_OF_LOOKS)
        fair = (scored >= _LEAST_SCORED) & (plain > 0.0)
        np.divide(other, plain, out=shares[row], where=fair)
    shares[0] = _EARNED
    chosen = np.asarray(np.argmin(shares, axis=0), dtype=np.int64)
    saved = 1.0 - shares[chosen, np.arange(looks)]
    return chosen, np.where(chosen > 0, saved, 0.0)


def _kept(
    used: FloatArray, came: FloatArray, known: IntArray, looks: int
) -> tuple[FloatArray, FloatArray]:
    there = np.isfinite(used) & np.isfinite(came)
    count = _recent(there.astype(np.float64), there, known, looks, _WEEK_OF_LOOKS)
    held = _recent((came <= used).astype(np.float64), there, known, looks, _WEEK_OF_LOOKS)
    asked = _recent(used, there, known, looks, _WEEK_OF_LOOKS)
    needed = _recent(came, there, known, looks, _WEEK_OF_LOOKS)
    coverage, width = np.full((2, looks), np.nan)
    np.divide(held, count, out=coverage, where=count > 0.0)
    np.divide(asked, needed, out=width, where=needed > 0.0)
    return coverage, width - 1.0


def _recent(
    values: FloatArray,
    there: npt.NDArray[np.bool_],
    known: IntArray,
    looks: int,
    span: int,
) -> FloatArray:
    """At each look the sum of what got known in the ``span`` looks up to it."""
    kept = there & (known < looks)
    each = np.bincount(known[kept], weights=values[kept], minlength=looks)
    total = each.copy()
    for back in range(1, min(span, looks)):
        total[back:] += each[:-back]
    return np.asarray(total, dtype=np.float64)
