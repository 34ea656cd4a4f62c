"""How much counters grew between two evaluation instants, from their raw samples."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from controllers.readings import FloatArray, Gap, Missing, Samples, Series

Key = TypeVar("Key", bound=Hashable)
Labels = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Growth:
    """The growth of each series, in the order of ``labels``."""

    labels: tuple[Labels, ...]
    amounts: FloatArray

    def by(self, key: Callable[[Labels], Key | None]) -> dict[Key, float]:
        """The growth summed by a key made from the labels; None leaves a series out."""
        sums: dict[Key, float] = {}
        for labels, amount in zip(self.labels, self.amounts, strict=True):
            group = key(labels)
            if group is not None:
                sums[group] = sums.get(group, 0.0) + float(amount)
        return sums


@dataclass(frozen=True, eq=False)
class _Span:
    """The samples of one series from its last at or before ``since`` to its last by ``until``."""

    labels: Labels
    times: FloatArray
    values: Samples
    new: bool
    """Whether there is none at or before ``since``."""


def growth(
    series: Iterable[Series], since: float, until: float, max_age: float
) -> Growth | Missing:
    """How much each counter grew in (since, until], in unix seconds.

    A series' growth is the sum of the steps from its last sample at or before ``since`` to its last
    at or before ``until``, where a sample after a reset counts as a whole. Consecutive blocks share
    that sample, so they neither lose nor repeat a count, whatever scrapes were missed. The samples
    must reach back to ``since - max_age``.

    A series that begins inside the block counts from zero if its target (labels ``job`` and
    ``instance``) was scraped within ``max_age`` before its first sample, since it was then seen not
    to exist; otherwise what it counted before is unknown and the sample is only a base.

    Missing: Absent without any series; Stale with no sample within ``max_age`` of ``until``, or of
    ``since``; NotFinite for a sample that no counter can have.
    """
    spans = [span for one in series if (span := _span(one, since, until)) is not None]
    if not spans:
        return Missing(Gap.ABSENT, "the query returned no series")
    missing = _stale(spans, since, until, max_age) or _not_finite(spans)
    if missing is not None:
        return missing
    resets = _reset_times(spans)
    scrapes = _scrape_times(spans)
    amounts = []
    for span in spans:
        before, after = span.values[:-1], span.values[1:]
        reset = np.isin(span.times[1:], resets.get(_histogram(span.labels), []))
        amount = float(np.sum(np.where(reset, after, after - before)))
        if span.new and _was_scraped(scrapes, span, max_age):
            amount += float(span.values[0])
        amounts.append(amount)
    return Growth(tuple(span.labels for span in spans), np.array(amounts))


def _span(one: Series, since: float, until: float) -> _Span | None:
    known = int(np.searchsorted(one.times, since, side="right"))
    end = int(np.searchsorted(one.times, until, side="right"))
    if end == 0:
        return None
    used = slice(max(known - 1, 0), end)
    return _Span(one.labels, one.times[used], one.values[used], new=known == 0)


def _stale(spans: list[_Span], since: float, until: float, max_age: float) -> Missing | None:
    newest = max(float(span.times[-1]) for span in spans)
    if until - newest > max_age:
        age = until - newest
        return Missing(Gap.STALE, f"the newest sample is {age:.0f} s old, allowed {max_age:.0f} s")
    based = [float(span.times[0]) for span in spans if not span.new]
    if not based or since - max(based) > max_age:
        return Missing(
            Gap.STALE,
            f"no sample within {max_age:.0f} s before the block to count from",
        )
    return None


def _not_finite(spans: list[_Span]) -> Missing | None:
    for span in spans:
        wrong = ~(np.isfinite(span.values) & (span.values >= 0.0))
        if np.any(wrong):
            value = float(span.values[wrong][0])
            return Missing(Gap.NOT_FINITE, f"a counter has the sample {value}: {dict(span.labels)}")
    return None


def _histogram(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name != "le")


def _reset_times(spans: list[_Span]) -> dict[frozenset[tuple[str, str]], list[float]]:
    """When each counter, or any bucket of each histogram, dropped.

    Buckets are reset together: one that was small before may not drop, and would then count too
    little beside a total that did, which looks like slow answers that never were.
    """
    resets: dict[frozenset[tuple[str, str]], list[float]] = {}
    for span in spans:
        dropped = span.times[1:][np.diff(span.values) < 0.0]
        if len(dropped):
            resets.setdefault(_histogram(span.labels), []).extend(dropped.tolist())
    return resets


def _target(labels: Labels) -> tuple[str, str] | None:
    if "job" in labels and "instance" in labels:
        return labels["job"], labels["instance"]
    return None


def _scrape_times(spans: list[_Span]) -> dict[tuple[str, str], FloatArray]:
    times: dict[tuple[str, str], list[FloatArray]] = {}
    for span in spans:
        target = _target(span.labels)
        if target is not None:
            times.setdefault(target, []).append(span.times)
    return {target: np.unique(np.concatenate(held)) for target, held in times.items()}


def _was_scraped(scrapes: dict[tuple[str, str], FloatArray], span: _Span, max_age: float) -> bool:
    target = _target(span.labels)
    if target is None:
        return False
    first = span.times[0]
    earlier = scrapes[target][scrapes[target] < first]
    return bool(len(earlier)) and bool(first - earlier[-1] <= max_age)
