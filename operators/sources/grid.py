"""What has been read of one range query: a row of values for each label set."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from controllers.readings import Series

SLACK = 16
"""Rows have a sixteenth of their length to grow into before they are moved."""

_Row = npt.NDArray[np.float32]


class Grid:
    """An unbroken stretch of instants, counted in steps since the epoch, and the values at them.

    Values are float32, NaN where there is nothing finite. What was handed out is never moved under
    its reader: rows that must move are copied.
    """

    def __init__(self, step: float, length: int) -> None:
        self._step = step
        self.length = length
        """How many instants are kept, counted back from the newest."""
        self._base = 0
        self._capacity = 0
        self._rows: dict[tuple[tuple[str, str], ...], tuple[Mapping[str, str], _Row]] = {}
        self.low = 0
        """The oldest instant that was read."""
        self.high = -1
        """The newest; before ``low`` where nothing was read."""

    @property
    def empty(self) -> bool:
        """Whether nothing was read, not even that there is nothing."""
        return self.high < self.low

    @property
    def floor(self) -> int:
        """The oldest instant that is to be read."""
        return max(self._base, self.high - self.length + 1)

    @property
    def size(self) -> int:
        """How many values are held in memory."""
        return len(self._rows) * self._capacity

    def keep(self, length: int) -> None:
        """Sets how many instants are kept; a shorter length frees memory at the next move."""
        longer = length > self.length
        self.length = length
        if longer and not self.empty:
            self._move(self.high - length + 1)

    def clear(self) -> None:
        """Forgets everything."""
        self._rows.clear()
        self.low, self.high = 0, -1

    def take(self, first: int, last: int, series: Iterable[Series], room: int) -> int:
        """Takes in all that there is at the instants ``first`` to ``last``.

        What was held of these is replaced. A stretch that leaves a hole between itself and what is
        here is not taken. Rows are added while they hold at most ``room`` values more; returns how
        many series were left out for that.
        """
        if not self.empty and (first > self.high + 1 or last < self.low - 1):
            return 0
        if self.empty or last >= self._base + self._capacity:
            self._move(last - self.length + 1)
        low, high = max(first, self._base) - self._base, last - self._base
        for _, row in self._rows.values():
            row[low : high + 1] = np.nan
        left_out, room = 0, room // self._capacity
        for one in series:
            named = tuple(sorted(one.labels.items()))
            if named not in self._rows:
                if room <= 0:
                    left_out += 1
                    continue
                room -= 1
                self._rows[named] = (one.labels, self._blank())
            self._fill(self._rows[named][1], one, low, high)
        self.low = max(self._base, first if self.empty else min(first, self.low))
        self.high = max(last, self.high)
        return left_out

    def series(self, first: int, last: int) -> tuple[Series, ...]:
        """All rows from ``first`` to ``last``, which have been read: views, not to be written."""
        times = np.arange(first, last + 1, dtype=np.float64) * self._step
        times.flags.writeable = False
        found = []
        for labels, row in self._rows.values():
            values = row[first - self._base : last + 1 - self._base]
            values.flags.writeable = False
            found.append(Series(labels, times, values))
        return tuple(found)

    def _fill(self, row: _Row, one: Series, low: int, high: int) -> None:
        places = np.rint(one.times / self._step).astype(np.int64) - self._base
        with np.errstate(over="ignore"):
            values = one.values.astype(np.float32)
        fit = (places >= low) & (places <= high) & np.isfinite(values)
        row[places[fit]] = values[fit]

    def _move(self, base: int) -> None:
        """Lets the rows begin at ``base``; what lies before it is dropped, and rows left empty."""
        old, self._base = self._base, base
        self._capacity = self.length + max(1, self.length // SLACK)
        low, high = max(base, self.low), min(self.high + 1, base + self._capacity)
        for named, (labels, before) in list(self._rows.items()):
            kept = before[low - old : high - old] if low < high else before[:0]
            if np.isnan(kept).all():
                del self._rows[named]
                continue
            row = self._blank()
            row[low - base : high - base] = kept
            self._rows[named] = (labels, row)
        if not self.empty:
            self.low = max(self.low, base)

    def _blank(self) -> _Row:
        return np.full(self._capacity, np.nan, dtype=np.float32)
