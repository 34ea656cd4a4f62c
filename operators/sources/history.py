"""Range queries answered from memory, which is filled in the background from Prometheus."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from controllers.readings import Answer, Answered, Gap, Missing, Query
from operators.runtime.loop import Source
from operators.sources.grid import Grid

SAMPLES = 50_000
"""What one query may bring: about 1.5 MB of JSON, which hold the process up for less than 0.1 s."""
FIRST, LEAST, MOST = 60, 10, 10_000
"""Instants of one query: to begin with, at least, at most (Prometheus refuses over 11,000)."""
REST, LONGEST_REST = 0.01, 5.0
SHARE = 2.0
"""Between two queries there is a rest of so many times what the last one took."""
FIRST_WAIT, LAST_WAIT = 1.0, 60.0
"""Seconds until a query is tried again, doubled at each failure in a row."""
FORGET = 600.0
"""Seconds after which what nobody asked for is forgotten."""
ROOM = 50_000_000
"""Values held at most, 4 bytes each."""


class History:
    """A source that remembers what it has read of each range query.

    A query without a span goes straight to the source. One with a span is answered at once by what
    has been read of it so far; ``Answer.since`` says how far back that reaches. What is missing is
    read in the background, the newest end of every query first and then older stretches, one query
    at a time with rests in between. What is past is not read again but for the last two instants,
    whose samples may come late.
    """

    def __init__(
        self, source: Source, clock: Callable[[], float] = time.monotonic, room: int = ROOM
    ) -> None:
        self._source = source
        self._clock = clock
        self._room = room
        self._readings: dict[_Key, _Reading] = {}
        self._fresh: dict[_Key, None] = {}
        self._older: dict[_Key, None] = {}
        self._swept = clock()
        self._task: asyncio.Task[None] | None = None

    async def answer(self, query: Query) -> Answered:
        """The answer; Missing with FAILED where none could be read yet, and why."""
        if not query.span:
            return await self._source.answer(query)
        now, key = self._clock(), _Key(query.text, query.step, query.lookback)
        self._forget(now)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = _Reading(query)
        reading.ask(query, now)
        self._line_up(key, reading)
        if (self._fresh or self._older) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read_on(), name="history")
        return reading.answer(query)

    def close(self) -> None:
        """Reads nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def _read_on(self) -> None:
        """Reads stretch by stretch until nothing is missing that may be tried now."""
        while line := self._fresh or self._older:
            key = next(iter(line))
            del line[key]
            reading = self._readings.get(key)
            stretch = reading.missing() if reading else None
            if reading is None or stretch is None:
                continue
            began = self._clock()
            answered = await self._source.answer(key.query(*stretch))
            ended = self._clock()
            held = sum(one.grid.size for one in self._readings.values())
            reading.take(stretch, answered, ended, self._room - held)
            self._line_up(key, reading)
            await asyncio.sleep(min(LONGEST_REST, max(REST, SHARE * (ended - began))))

    def _line_up(self, key: "_Key", reading: "_Reading") -> None:
        """Puts a query in the line it belongs in; after a failure whoever asks next does that."""
        stretch = reading.missing()
        wanted = stretch is not None and self._clock() >= reading.not_before
        fresh = stretch is not None and stretch[1] > reading.grid.high
        for line, right in ((self._fresh, fresh), (self._older, not fresh)):
            if wanted and right:
                line.setdefault(key, None)
            else:
                line.pop(key, None)

    def _forget(self, now: float) -> None:
        if now - self._swept > FORGET / 10:
            self._swept = now
            for key, one in list(self._readings.items()):
                if now - one.asked > FORGET:
                    del self._readings[key]


class _Key(NamedTuple):
    """What makes two range queries the same but for when they end and how far they reach back."""

    text: str
    step: float
    lookback: float | None

    def query(self, first: int, last: int) -> Query:
        """The query for one stretch; without a span where that is a single instant."""
        return Query(
            self.text, last * self.step, self.lookback, (last - first) * self.step, self.step
        )


class _Reading:
    """How far one range query has been read."""

    def __init__(self, query: Query) -> None:
        self.grid = Grid(query.step, _length(query))
        self.asked = 0.0
        """When it was last asked for."""
        self.not_before = -math.inf
        """When it may be tried again."""
        self._newest = query.grid[1]
        self._lengths: dict[int, float] = {}
        self._chunk = FIRST
        self._failures = 0
        self._warnings: tuple[str, ...] = ()
        self._problem = ""
        self._answers: dict[tuple[int, int], Answer] = {}

    def ask(self, query: Query, now: float) -> None:
        """Notes what is wanted: how far back, counted from where."""
        self.asked, self._newest = now, query.grid[1]
        self._lengths[_length(query)] = now
        if len(self._lengths) > 1:
            self._lengths = {n: at for n, at in self._lengths.items() if now - at <= FORGET}
        length, grid = max(self._lengths), self.grid
        if length != grid.length:
            self._answers.clear()  # it would hold the rows as they were
            grid.keep(length)
        # A clock that jumped: what is here is of no use to who asks now.
        if not grid.empty and not grid.low - 1 <= self._newest <= grid.high + length:
            self._answers.clear()
            grid.clear()

    def missing(self) -> tuple[int, int] | None:
        """The first and last instant of the stretch to be read next, or None."""
        grid, newest = self.grid, self._newest
        if grid.empty:
            return newest - min(self._chunk, grid.length) + 1, newest
        if newest > grid.high:
            first = max(grid.low, grid.high - 1)
            return first, min(newest, first + self._chunk - 1)
        if grid.low > grid.floor:
            return max(grid.floor, grid.low - self._chunk), grid.low - 1
        return None

    def take(self, stretch: tuple[int, int], answered: Answered, now: float, room: int) -> None:
        """Takes in what was read of a stretch, or that it could not be."""
        first, last = stretch
        whole = last - first + 1 >= self._chunk
        self._answers.clear()
        if isinstance(answered, Missing):
            self._problem = answered.detail
            self.not_before = now + min(LAST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
            self._failures += 1
            if whole:
                self._chunk = max(LEAST, self._chunk // 2)
            return
        left_out = self.grid.take(first, last, answered.series, room)
        self._failures, self._problem = 0, ""
        self._warnings = answered.warnings
        if left_out:
            said = f"{left_out} series are left out of the history: group the query by fewer labels"
            self._warnings += (said,)
        most = max(LEAST, min(MOST, SAMPLES // max(1, len(answered.series))))
        self._chunk = min(most, 2 * self._chunk if whole else self._chunk)

    def answer(self, query: Query) -> Answered:
        """What has been read so far; the same object for all who ask between two changes."""
        wanted, grid = query.grid, self.grid
        first, last = max(wanted[0], grid.low), min(wanted[1], grid.high)
        if first > last:
            if self._problem:
                return Missing(Gap.FAILED, self._problem)
            return Answer((), since=math.inf)
        held = self._answers.get((first, last))
        if held is None:
            warnings = (*self._warnings, *([self._problem] if self._problem else ()))
            held = Answer(grid.series(first, last), warnings, since=first * query.step)
            self._answers[first, last] = held
        return held


def _length(query: Query) -> int:
    """How many instants a grid of that span can have."""
    return math.floor(query.span / query.step + 1e-6) + 1
