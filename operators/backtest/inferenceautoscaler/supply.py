"""The replicas that there would have been, and the requests that would have waited for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.inferenceautoscaler.seen import Pod

REVISION = "backtest"
LONG = 86400.0
"""Seconds: replicas as old as that are not taken to have been seen to start."""


@dataclass(frozen=True)
class _Replica:
    due: float
    """When it is ready, in unix seconds."""
    starting: Pod
    ready: Pod


class Supply:
    """Replicas that follow a number: each is ready after a start-up time and gone at once."""

    def __init__(self, name: str, startups: Sequence[float], replicas: int, at: float) -> None:
        """``replicas`` of them are old and ready; the start-up times of new ones come in turn."""
        self._name, self._startups = name, startups
        self._made = 0
        self._replicas: list[_Replica] = []
        for _ in range(replicas):
            self._add(at - LONG, 0.0)

    def __len__(self) -> int:
        return len(self._replicas)

    def scale(self, at: float, replicas: int) -> None:
        """Adds replicas, or takes away those that would be ready last."""
        while len(self._replicas) < replicas:
            self._add(at, self._startups[self._made % len(self._startups)])
        self._replicas.sort(key=lambda one: one.due)
        del self._replicas[replicas:]

    def pods(self, at: float) -> tuple[Pod, ...]:
        """All replicas as they are at ``at``."""
        return tuple(one.ready if one.due <= at else one.starting for one in self._replicas)

    def ready(self, at: float) -> int:
        """How many are ready at ``at``."""
        return sum(one.due <= at for one in self._replicas)

    def served(self, since: float, until: float) -> float:
        """Seconds that replicas were ready between two instants, all together."""
        return sum(until - max(one.due, since) for one in self._replicas if one.due < until)

    def _add(self, at: float, takes: float) -> None:
        self._made += 1
        name, due = f"{self._name}-{self._made}", at + takes
        self._replicas.append(
            _Replica(due, Pod(name, REVISION, at, None), Pod(name, REVISION, at, due))
        )


class Queue:
    """Requests as a fluid that is served first come, first served, in one line for all replicas."""

    def __init__(self, wait: float) -> None:
        """``wait``: the seconds that a request may wait."""
        self._wait = wait
        self.waiting = 0.0
        """Requests that wait."""
        self.longest = 0.0
        """Seconds that the last request to come would wait; inf: nothing is served."""
        self.late = 0.0
        """The share of the requests of the last interval that wait longer than they may."""

    def flow(self, seconds: float, demand: float, capacity: float) -> None:
        """One interval with that demand and capacity (requests/s), each even over it."""
        before = self._delay(capacity)
        self.waiting = max(self.waiting + (demand - capacity) * seconds, 0.0)
        after = self._delay(capacity)
        self.longest = max(before, after)
        self.late = _beyond(before, after, self._wait)

    def _delay(self, capacity: float) -> float:
        if self.waiting <= 1e-9:
            return 0.0
        return self.waiting / capacity if capacity > 0.0 else float("inf")


def _beyond(before: float, after: float, limit: float) -> float:
    """The share of a straight way from ``before`` to ``after`` that lies above ``limit``."""
    low, high = min(before, after), max(before, after)
    if low > limit or high == float("inf"):
        return 1.0
    return (high - limit) / (high - low) if high > limit else 0.0
