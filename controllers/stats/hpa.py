"""A HorizontalPodAutoscaler that nobody tuned, on a demand that its replicas share."""

import math
from collections import deque

TOLERANCE = 0.1
WINDOW = 300.0
"""Seconds for which a recommendation keeps the number from falling below it."""
MOST = 2**31 - 1


class Hpa:
    """One HPA with a metric of type External and a target of type AverageValue.

    Kubernetes 1.37 without ``spec.behavior`` (pkg/controller/podautoscaler): the demand divided by
    the target, unless that is within a tenth of what there is; never below what was recommended in
    the last five minutes, and at most twice the present number, four where that is less.
    """

    def __init__(self, target: float, least: int, most: int) -> None:
        if not target > 0.0:
            raise ValueError(f"target is {target}, it must be a number of requests/s above 0")
        self._target = max(_milli(target), 1)
        self._least, self._most = least, most
        self._recent: deque[tuple[float, int]] = deque()

    def look(self, now: float, current: int, demand: float | None) -> int:
        """The replicas it asks for at ``now`` (seconds), where ``current`` were asked for so far.

        ``demand`` in requests/s; None, where it is not known, changes nothing. Zero replicas mean
        that it is off.
        """
        if not self._recent:
            self._recent.append((now, current))
        if current == 0:
            return 0
        if not self._least <= current <= self._most:
            return min(max(current, self._least), self._most)
        if demand is None:
            return current
        highest = self._highest(now, self._asked(current, _milli(demand)))
        return max(min(highest, self._most, max(2 * current, 4)), self._least)

    def _asked(self, current: int, demand: int) -> int:
        ratio = demand / (self._target * current)
        if 1.0 - TOLERANCE <= ratio <= 1.0 + TOLERANCE:
            return current
        return min(math.ceil(demand / self._target), MOST)

    def _highest(self, now: float, asked: int) -> int:
        while self._recent and self._recent[0][0] < now - WINDOW:
            self._recent.popleft()
        self._recent.append((now, asked))
        return max(replicas for _, replicas in self._recent)


def _milli(value: float) -> int:
    """Thousandths, rounded up as a Quantity is; a float's own error is no thousandth."""
    return math.ceil(round(value * 1000.0, 6))
