"""A work queue: each key once, never twice at a time, later with backoff."""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_RETRY = 1.0
LAST_RETRY = 60.0


class Queue(Generic[K]):
    """Keys that are due, keys that will be, and keys in flight.

    ``clock`` is monotonic seconds; ``chance`` gives uniform numbers in [0, 1) for the jitter.
    """

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._due: dict[K, float] = {}
        """Since when each is due, in the order in which they became so; so the two below."""
        self._when: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._in_flight: dict[K, float] = {}
        self._again: dict[K, float] = {}
        self._held: set[K] = set()
        self._failures: dict[K, int] = {}
        self._sequence = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """How many keys are due and not in flight."""
        return len(self._due)

    @property
    def in_flight(self) -> int:
        """How many keys were taken because they were due, and are not done."""
        return len(self._in_flight) - len(self._held)

    def waited(self, key: K) -> float:
        """Seconds since a key in flight was due."""
        return self._clock() - self._in_flight[key]

    def add(self, key: K) -> None:
        """Makes the key due now; while it is in flight, as soon as it is done."""
        self._add(key, self._clock())

    def _add(self, key: K, since: float) -> None:
        if key in self._in_flight:
            self._again.setdefault(key, since)
            return
        self._due.setdefault(key, since)
        self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Makes the key due in ``seconds``, unless it is due earlier anyway."""
        when = self._clock() + seconds
        if when < self._when.get(key, float("inf")):
            self._when[key] = when
            self._sequence += 1
            heapq.heappush(self._timers, (when, self._sequence, key))
            self._changed.set()

    def retry(self, key: K, at_least: float = 0.0) -> float:
        """Makes the key due after its backoff, doubled at each failure in a row: 1 to 60 seconds.

        A half of it is chance, so that what failed together is not tried together. Returns the
        delay, which is never under ``at_least``.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        full = min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(failures, 10))
        delay = max(at_least, full * (0.5 + 0.5 * self._chance()))
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: K) -> None:
        """Ends the key's row of failures."""
        self._failures.pop(key, None)

    def forget(self, key: K) -> None:
        """Drops all that is planned for a key whose object is gone."""
        self._due.pop(key, None)
        self._when.pop(key, None)
        self._failures.pop(key, None)
        self._again.pop(key, None)

    def take_due(self, limit: int) -> list[K]:
        """The keys that are due, oldest first, at most ``limit``; they are in flight until done.

        A taken key's timer is off: who works on it says when to look again.
        """
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            when, _, key = heapq.heappop(self._timers)
            if self._when.get(key) == when:
                del self._when[key]
                self._add(key, when)
        taken = list(self._due)[:limit] if limit < len(self._due) else list(self._due)
        for key in taken:
            self._in_flight[key] = self._due.pop(key)
            self._when.pop(key, None)
        return taken

    def hold(self, key: K) -> bool:
        """Takes a key that need not be due, and leaves its timer; False if it is in flight."""
        if key in self._in_flight:
            return False
        self._in_flight[key] = self._clock()
        self._held.add(key)
        if key in self._due:
            self._again[key] = self._due.pop(key)
        return True

    def done(self, key: K) -> None:
        """Ends a key's flight, or the hold on it; due again at once if it was added meanwhile."""
        self._in_flight.pop(key, None)
        self._held.discard(key)
        if key in self._again:
            self._add(key, self._again.pop(key))

    async def wait(self, seconds: float) -> None:
        """Returns when a key may be due, at the latest after ``seconds``."""
        self._changed.clear()
        if self._due:
            return
        if self._timers:
            seconds = min(seconds, max(0.0, self._timers[0][0] - self._clock()))
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
