"""Rates that change with time, and the instants at which their requests are due."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

Points = Sequence[tuple[float, float]]
"""(second, requests a second), joined by straight lines; two at one second are a step."""


def parse(text: str) -> Points:
    """``50`` is a steady rate, ``0:10,30:10,30:100`` are points; raises ValueError for others."""
    if ":" not in text:
        return ((0.0, float(text)),)
    pairs = (point.split(":") for point in text.split(","))
    return tuple((float(second), float(rate)) for second, rate in pairs)


def written(points: Points) -> str:
    """What ``parse`` reads as these points."""
    return ",".join(f"{second}:{rate}" for second, rate in points)


def due(points: Points, seconds: float) -> Iterator[float]:
    """The seconds after the start at which requests are due, before ``seconds``.

    The n-th, counted from 0, is due when the rate's integral reaches n. Before the first point the
    rate is the first one's, after the last point the last one's. Raises ValueError for points that
    go back in time, and for a rate below 0.
    """
    _check(points)
    steady = [(seconds, points[-1][1])] if points[-1][0] < seconds else []
    count, past = 0, 0.0
    for (start, low), (stop, high) in pairwise([(0.0, points[0][1]), *points, *steady]):
        more = (low + high) / 2 * (stop - start)
        while count < past + more - 1e-9:
            at = start + _time_to(count - past, low, (high - low) / (stop - start))
            if at >= seconds:
                return
            yield at
            count += 1
        past += more


def _time_to(area: float, low: float, slope: float) -> float:
    """The time t at which low t + slope t^2 / 2 is ``area``, in the form that holds for slope 0."""
    if area <= 0:
        return 0.0
    return 2 * area / (low + math.sqrt(max(0.0, low * low + 2 * slope * area)))


def _check(points: Points) -> None:
    seconds = [0.0, *(second for second, _ in points)]
    for before, after in pairwise(seconds):
        if not before <= after < math.inf:
            raise ValueError(f"second {after} comes after {before}: give points in order of time")
    for second, rate in points:
        if not 0 <= rate < math.inf:
            raise ValueError(f"the rate at second {second:g} is {rate}: give 0 or more")
