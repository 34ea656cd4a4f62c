"""Arithmetic on demand in one-minute bins with gaps, which are NaN and never zero."""

from collections.abc import Iterable, Sequence

import numpy as np

from controllers.readings import FloatArray

HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY
STRIDE = 7
"""Minutes between the instants that a model is judged and fitted at; it divides no hour, so that
within hours all minutes get their turn: what runs every ten minutes would otherwise be missed."""

_SECONDS = 60.0
_PRESENT = 0.9


def known(rates: FloatArray) -> FloatArray:
    """The rates as far as they can be any; what is infinite or negative is a gap as well."""
    rates = np.asarray(rates, dtype=np.float64)
    return np.where(np.isfinite(rates) & (rates >= 0.0), rates, np.nan)


def to_log(rates: FloatArray) -> FloatArray:
    """log(1 + requests of the bin): relative where there are many, finite where there is none."""
    return np.asarray(np.log1p(_SECONDS * rates), dtype=np.float64)


def from_log(logs: FloatArray) -> FloatArray:
    """The inverse of ``to_log``, in requests/s; never below zero."""
    return np.asarray(np.maximum(np.expm1(logs) / _SECONDS, 0.0), dtype=np.float64)


def trailing_mean(values: FloatArray, width: int) -> FloatArray:
    """The mean of what is known among each bin and the ``width - 1`` before it; NaN if nothing."""
    return trailing_means(values, (width,))[0]


def trailing_means(values: FloatArray, widths: Iterable[int]) -> list[FloatArray]:
    """``trailing_mean`` for several widths, for less."""
    present = np.isfinite(values)
    total = _totals(np.where(present, values, 0.0))
    count = _totals(present.astype(np.float64))
    means = []
    for width in widths:
        counts = _trailing(count, width)
        counts[counts == 0.0] = np.nan
        means.append(_trailing(total, width) / counts)
    return means


def last_means(values: FloatArray, widths: Sequence[int]) -> FloatArray:
    """``trailing_means`` at the last bin only, one for each width; NaN where nothing is known."""
    longest = values[-max(widths) :][::-1]
    if not len(longest):
        return np.full(len(widths), np.nan)
    present = np.isfinite(longest)
    places = np.minimum(widths, len(longest)) - 1
    counts = np.cumsum(present, dtype=np.float64)[places]
    counts[counts == 0.0] = np.nan
    return np.asarray(np.cumsum(np.where(present, longest, 0.0))[places] / counts)


def trailing_max(values: FloatArray, width: int) -> FloatArray:
    """The maximum of what is known among each bin and the ``width - 1`` before it."""
    highest, covered = values.astype(np.float64), 1
    while covered < width:
        step = min(covered, width - covered)
        highest = np.fmax(highest, earlier(highest, step))
        covered += step
    return highest


def ahead_max(values: FloatArray, horizon: int) -> FloatArray:
    """At each bin t the maximum of t+1 ... t+horizon.

    NaN where the span is not over yet, or less than nine tenths of it are known.
    """
    present = _trailing(_totals(np.isfinite(values).astype(np.float64)), horizon)
    known = earlier(present, -horizon) >= _PRESENT * horizon
    return np.where(known, earlier(trailing_max(values, horizon), -horizon), np.nan)


def earlier(values: FloatArray, lag: int) -> FloatArray:
    """At each bin t the value of t - lag; NaN where there is none."""
    moved = np.full(len(values), np.nan)
    if 0 <= lag < len(values):
        moved[lag:] = values[: len(values) - lag]
    elif -len(values) < lag < 0:
        moved[:lag] = values[-lag:]
    return moved


def _totals(values: FloatArray) -> FloatArray:
    """The sums of all bins before each bin, and of all."""
    total = np.zeros(len(values) + 1)
    np.cumsum(values, out=total[1:])
    return total


def _trailing(total: FloatArray, width: int) -> FloatArray:
    sums = total[1:].copy()
    sums[width:] -= total[1:-width]
    return sums
