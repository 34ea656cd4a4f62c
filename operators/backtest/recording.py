"""The history of a back-test: each query is read once over all its time, then played back."""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controllers.api.base import go_duration
from controllers.readings import Answer, FloatArray, Missing, Query, Series
from operators.runtime.loop import Source

FIRST, LEAST, MOST = 500, 60, 10_000
"""Instants of one request: to begin with, at least, at most (Prometheus refuses over 11,000)."""
SAMPLES = 500_000
"""What one request may bring: about 15 MB of JSON."""

Keep = Callable[[Mapping[str, str]], bool]
"""Whether a series with these labels is wanted."""
Progress = Callable[[str, float], None]
"""Told what is being done, and which share of it is."""

_AHEAD = re.compile(r"@\s*(start|end)\s*\(|\boffset\s+-")


class RecordingError(Exception):
    """What cannot be played back; the message says why and what to do."""


class Recording:
    """Answers queries at the instants of a back-test as Prometheus would have answered then.

    An instant of a range query is the same evaluation as a query at that instant: it sees no sample
    that is younger. What could look ahead by its own text is refused.
    """

    def __init__(self, source: Source, instants: range, progress: Progress) -> None:
        """Of those instants (unix seconds), which are multiples of their step."""
        self._source = source
        self._instants = instants
        self._progress = progress
        self._tapes: dict[_Key, _Tape] = {}
        self.requests = 0
        self.warnings: dict[str, None] = {}

    async def read(self, wanted: Mapping[Query, Keep]) -> None:
        """Reads those queries that were not read yet, for all instants."""
        new = {self._key(query): (query, keep) for query, keep in wanted.items()}
        new = {key: which for key, which in new.items() if key not in self._tapes}
        for done, (key, (query, keep)) in enumerate(new.items()):
            if _AHEAD.search(query.text):
                raise RecordingError(
                    f"the query {query.text!r} looks ahead: take out @ start(), @ end() or the"
                    " negative offset"
                )
            low = math.ceil((self._instants[0] - query.span) / key.step - 1e-6)
            tape = _Tape(key.step, low, int(self._instants[-1] // key.step))
            await self._fill(key, tape, keep, partial(self._done, done, len(new)))
            self._tapes[key] = tape

    def answer(self, query: Query) -> Answer:
        """What Prometheus said at the query's instant, or up to it where it has a span."""
        tape = self._tapes[self._key(query)]
        if not query.span:
            return tape.at(round(query.at / tape.step))
        first, last = query.grid
        return tape.upto(max(first, tape.low), last)

    def _key(self, query: Query) -> "_Key":
        step = query.step or float(self._instants.step)
        return _Key(query.text, query.lookback, step, query.span)

    def _done(self, before: int, all_of_them: int, share: float) -> None:
        self._progress("reading history", (before + share) / all_of_them)

    async def _fill(
        self, key: "_Key", tape: "_Tape", keep: Keep, done: Callable[[float], None]
    ) -> None:
        at, chunk = tape.low, FIRST
        while at <= tape.high:
            last = min(at + chunk - 1, tape.high)
            self.requests += 1
            answered = await self._source.answer(key.query(at, last))
            if isinstance(answered, Missing):
                if last - at < LEAST:
                    raise RecordingError(
                        f"{answered.detail} (asked for {key.text!r} at {last - at + 1} instants"
                        f" every {go_duration(key.step)})"
                    )
                chunk = max((last - at + 1) // 4, LEAST)
                continue
            self.warnings |= dict.fromkeys(answered.warnings)
            tape.take([one for one in answered.series if keep(one.labels)])
            at = last + 1
            done((at - tape.low) / (tape.high - tape.low + 1))
            most = SAMPLES // max(1, len(answered.series))
            chunk = max(LEAST, min(MOST, 4 * chunk, most))


class _Key(NamedTuple):
    """What makes the same question of two queries at different instants."""

    text: str
    lookback: float | None
    step: float
    span: float

    def query(self, first: int, last: int) -> Query:
        span = (last - first) * self.step
        return Query(self.text, last * self.step, self.lookback, span, self.step if span else 0.0)


class _Tape:
    """The values of one query at every instant; what had none is told apart from what was NaN."""

    def __init__(self, step: float, low: int, high: int) -> None:
        self.step, self.low, self.high = step, low, high
        self._times = np.arange(low, high + 1, dtype=np.float64) * step
        self._rows: dict[tuple[tuple[str, str], ...], _Row] = {}

    def take(self, series: list[Series]) -> None:
        """Puts samples in their places."""
        for one in series:
            named = tuple(sorted(one.labels.items()))
            row = self._rows.get(named)
            if row is None:
                blank = np.full(len(self._times), np.nan)
                row = self._rows[named] = _Row(one.labels, blank, np.zeros(len(blank), np.bool_))
            places = np.rint(one.times / self.step).astype(np.int64) - self.low
            row.values[places] = one.values
            row.there[places] = True

    def at(self, instant: int) -> Answer:
        """The series that had a value at one instant."""
        i = instant - self.low
        return Answer(
            tuple(
                Series(row.labels, self._times[i : i + 1], row.values[i : i + 1])
                for row in self._rows.values()
                if row.there[i]
            )
        )

    def upto(self, first: int, last: int) -> Answer:
        """The series that had a value from one instant to another, on that grid."""
        cut = slice(first - self.low, last + 1 - self.low)
        return Answer(
            tuple(
                Series(row.labels, self._times[cut], row.values[cut])
                for row in self._rows.values()
                if row.there[cut].any()
            ),
            since=first * self.step,
        )


class _Row(NamedTuple):
    labels: Mapping[str, str]
    values: FloatArray
    there: npt.NDArray[np.bool_]
