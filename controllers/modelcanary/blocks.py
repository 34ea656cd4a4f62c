"""When evidence is taken: blocks between evaluation instants on a fixed grid of time."""

import zlib
from dataclasses import dataclass

from controllers.api.modelcanary.spec import Analysis
from controllers.api.modelcanary.status import Evidence

LONGEST = 1800
"""Seconds that one block may span when measurements were missing; beyond it the gap is dropped."""


@dataclass(frozen=True)
class Block:
    """The time between two evaluation instants, in unix seconds."""

    since: int
    until: int
    scrape: float

    @property
    def max_age(self) -> float:
        """How old the newest sample may be at an instant: one scrape may be missed."""
        return 2.5 * self.scrape

    @property
    def window(self) -> float:
        """Seconds of raw samples to read, so that the sample at ``since`` is among them."""
        return self.until - self.since + 2 * self.max_age


def lag(analysis: Analysis) -> float:
    """Seconds to wait after an instant until every scrape that began before it is stored."""
    return min(analysis.scrape_interval, 5.0)


def first(now: float, analysis: Analysis, uid: str) -> int:
    """The newest instant of an object's grid that is not in the future.

    Each object has a phase of its own, so that a thousand runs that began together are not all due
    at the same instant.
    """
    interval = int(analysis.interval)
    phase = zlib.crc32(uid.encode()) % interval
    return (int(now) - phase) // interval * interval + phase


def following(instant: int, analysis: Analysis) -> int:
    """The next instant of the grid after this one; a changed interval counts from it."""
    return instant + int(analysis.interval)


def block(evidence: Evidence, analysis: Analysis) -> Block:
    """The next block to judge: from the last judged instant to the next one not tried yet."""
    until = following(evidence.tried or evidence.instant, analysis)
    since = evidence.instant
    if until - since > LONGEST:
        since = until - int(analysis.interval)
    return Block(since, until, analysis.scrape_interval)


def settled(moved: float, analysis: Analysis) -> int:
    """The first instant at which a block may begin once a weight moved: two scrapes later."""
    return int(moved + 2 * analysis.scrape_interval) + 1


def wait(evidence: Evidence, analysis: Analysis, now: float) -> float:
    """Seconds until the next block can be judged; 0 when it can be now.

    Never more than a block takes: after a clock that was set back, it may be set right any moment.
    """
    left = block(evidence, analysis).until + lag(analysis) - now
    return max(0.0, min(left, analysis.interval + lag(analysis)))


def past(evidence: Evidence, analysis: Analysis, uid: str, now: float) -> Evidence:
    """The evidence without instants of the future, where a clock that was ahead was set right.

    Nothing was measured at them, so that nothing is judged twice. What was measured before a clock
    was set back stays judged, and its time has to come again.
    """
    changes: dict[str, int | None] = {}
    if evidence.tried is not None and evidence.tried > now:
        changes["tried"] = None
    if not evidence.counts and evidence.instant > now:
        changes["instant"] = first(now, analysis, uid)
    if evidence.open_from > (soonest := settled(now, analysis)):
        changes["open_from"] = soonest
    return evidence.model_copy(update=changes) if changes else evidence
