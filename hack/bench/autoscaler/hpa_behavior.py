"""What holds a HorizontalPodAutoscaler's recommendation back: windows, policies and their memory.

Kubernetes 1.37, pkg/controller/podautoscaler/horizontal.go; defaults of
pkg/apis/autoscaling/v2/defaults.go.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Change(StrEnum):
    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True)
class Policy:
    """At most ``value`` pods, or per cent of them, in ``period`` seconds."""

    change: Change
    value: int
    period: int


@dataclass(frozen=True)
class Rules:
    """One direction of ``spec.behavior``.

    ``window`` in seconds and ``tolerance`` are None where the flags of the controller decide.
    """

    policies: tuple[Policy, ...]
    select: Select = Select.MAX
    window: int | None = None
    tolerance: float | None = None

    @property
    def longest(self) -> int:
        """The longest period of its policies, in seconds."""
        return max((policy.period for policy in self.policies), default=0)


UP = Rules((Policy(Change.PODS, 4, 15), Policy(Change.PERCENT, 100, 15)), window=0)
DOWN = Rules((Policy(Change.PERCENT, 100, 15),))


@dataclass(frozen=True)
class Behavior:
    """``spec.behavior`` as the API server fills it in: a direction left out has these rules."""

    up: Rules = UP
    down: Rules = DOWN


class _Event(NamedTuple):
    change: int
    at: float


@dataclass
class Events:
    """The changes of one direction, as many as the controller keeps."""

    _events: list[_Event] = field(default_factory=list)

    def store(self, change: int, now: float, longest: int) -> None:
        """Notes a change in the place of the last that no policy of its own direction needs.

        A policy of the other direction with a longer period may have needed it: it then counts
        less than happened, here as there.
        """
        new = _Event(change, now)
        for place in reversed(range(len(self._events))):
            if self._events[place].at < now - longest:
                self._events[place] = new
                return
        self._events.append(new)

    def within(self, period: int, now: float) -> int:
        """Pods added or removed in the last ``period`` seconds."""
        return sum(event.change for event in self._events if event.at > now - period)


class Recommendations:
    """The recent recommendations, before anything held them back."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._recent: deque[tuple[float, int]] = deque()

    def begin(self, replicas: int, now: float) -> None:
        """The number at the first look counts as a recommendation."""
        if not self._recent:
            self._recent.append((now, replicas))

    def highest(self, wanted: int, now: float) -> int:
        """Notes ``wanted`` and returns the highest of the whole window, it included."""
        recent, oldest = self._recent, now - self._longest
        while recent and recent[0][0] < oldest:
            recent.popleft()
        highest = max(wanted, max((replicas for _, replicas in recent), default=wanted))
        recent.append((now, wanted))
        return highest

    def between(self, current: int, wanted: int, now: float, up: float, down: float) -> int:
        """Notes ``wanted`` and brings ``current`` between the lowest and highest of two windows."""
        recent, oldest = self._recent, now - self._longest
        while recent and recent[0][0] < oldest:
            recent.popleft()
        lowest = highest = wanted
        for at, replicas in recent:
            if at > now - up:
                lowest = min(lowest, replicas)
            if at > now - down:
                highest = max(highest, replicas)
        recent.append((now, wanted))
        return min(max(current, lowest), highest)


def ceiling(current: int, rules: Rules, added: Events, removed: Events, now: float) -> int:
    """The most replicas that the rules upwards allow now, at least ``current``."""
    if rules.select is Select.DISABLED:
        return current
    limits = []
    for policy in rules.policies:
        start = current - added.within(policy.period, now) + removed.within(policy.period, now)
        if policy.change is Change.PODS:
            limits.append(start + policy.value)
        else:
            limits.append(math.ceil(start * (1 + policy.value / 100)))
    return max(current, min(limits) if rules.select is Select.MIN else max(limits))


def floor(current: int, rules: Rules, added: Events, removed: Events, now: float) -> int:
    """The fewest replicas that the rules downwards allow now, at most ``current``."""
    if rules.select is Select.DISABLED:
        return current
    limits = []
    for policy in rules.policies:
        start = current - added.within(policy.period, now) + removed.within(policy.period, now)
        if policy.change is Change.PODS:
            limits.append(start - policy.value)
        else:
            limits.append(int(start * (1 - policy.value / 100)))
    return min(current, max(limits) if rules.select is Select.MIN else min(limits))
