"""How long requests waited, from what arrived and what was started: exact for first come first."""

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import IntArray

EXACT = 60
BINS: FloatArray = np.unique(
    np.concatenate([np.arange(EXACT + 1.0), np.rint(np.geomspace(EXACT + 1, 90_000, 100))])
)
"""The lowest wait of each bin in seconds: every second up to a minute, then some 8 % apart."""


def waits(
    arrived: IntArray, started: IntArray, first: int
) -> tuple[IntArray, IntArray, IntArray, int]:
    """The requests that were started, in groups that arrived and started in the same seconds.

    ``arrived`` is cumulative: entry u counts all requests before second u. ``started`` is
    cumulative too and begins with all that were started before second ``first``. Returns the
    size, second of arrival and wait of each group, and how many of the last ones still wait.
    """
    seconds = np.arange(first, first + len(started) - 1)
    waiting = arrived[first : first + len(started)] - started
    queued = (waiting[1:] > 0) | (waiting[:-1] > 0)
    edges = np.flatnonzero(queued)
    edges = np.union1d(edges, edges + 1)  # entries before and after each second with a queue
    low = int(np.searchsorted(arrived, started[0], side="right"))
    marks = np.concatenate(
        [arrived[low:first], arrived[first + edges], started[edges], started[:1], started[-1:]]
    )
    marks = np.unique(marks[(marks >= started[0]) & (marks <= started[-1])])
    size = np.diff(marks)
    arrival = np.searchsorted(arrived, marks[1:], side="left") - 1
    start = seconds[0] + np.searchsorted(started, marks[1:], side="left") - 1
    return size, arrival, start - arrival, int(waiting[-1])


def histogram(size: IntArray, wait: IntArray) -> IntArray:
    """How many requests fall into each bin."""
    place = np.searchsorted(BINS, wait, side="right") - 1
    counted: IntArray = np.bincount(place, weights=size, minlength=len(BINS)).astype(np.int64)
    return counted


def quantile(counted: IntArray, level: float) -> float:
    """The wait in seconds that this share of the requests does not exceed (its bin's edge)."""
    whole = counted.sum()
    if whole == 0:
        return 0.0
    place = int(np.searchsorted(np.cumsum(counted), level * whole, side="left"))
    return float(BINS[min(place, len(BINS) - 1)])
