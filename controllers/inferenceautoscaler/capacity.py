"""What one replica can do, learned from what it was seen to do; per revision of the pods."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from controllers.api.inferenceautoscaler.spec import Capacity
from controllers.api.inferenceautoscaler.status import RevisionCapacity

PROBE = 1.1
"""A plan goes no further than this beyond what was seen to keep the promise."""
CAUTION = 1.28
"""Standard errors that a plan stays below the saturated rate: safe nine times in ten."""
FORGET = 0.98
"""The weight of the past against one measurement of a saturated replica."""
ENOUGH = 20
"""Measurements of each kind before they are relied on."""
HOURLY = 0.25
"""How much a learned value may change in an hour, as a share of it."""
REVISIONS = 4


@dataclass(frozen=True, slots=True)
class Work:
    """What the replicas did in one interval; None is not known."""

    revision: str
    throughput: float | None
    """Requests per second that were answered, by all of them."""
    ready: int
    steady: bool
    """Whether the same replicas were ready all the time."""
    saturated: bool | None
    """Whether requests queued all the time."""
    met: bool | None
    """Whether the objective was met."""


def learn(
    known: Sequence[RevisionCapacity], work: Work, interval: float
) -> tuple[RevisionCapacity, ...]:
    """``known`` with one interval more.

    What saturated replicas answer bounds the capacity from above: its mean with exponential
    forgetting and the error of it. What they answer while the objective is met bounds it from
    below: the largest of it, approached by a fifth so that one noisy reading counts for little, and
    left again when the objective is missed at less.
    """
    if work.throughput is None or not work.ready or not work.steady or not work.revision:
        return tuple(known)
    each = work.throughput / work.ready
    old = next((one for one in known if one.revision == work.revision), None)
    new = old or RevisionCapacity(revision=work.revision)
    if work.saturated and each > 0:
        new = _from_above(new, each, interval)
    if work.met is not None:
        idle = work.saturated is False
        new = _slowly(new, _from_below(new, each, met=work.met, idle=idle), interval)
    if new == old or (old is None and not new.samples and not new.met):
        return tuple(known)
    others = tuple(one for one in known if one.revision != work.revision)
    return (*others, new)[-REVISIONS:]


def _from_above(one: RevisionCapacity, each: float, interval: float) -> RevisionCapacity:
    if one.high is None:
        return one.model_copy(update={"high": each, "error": each, "samples": 1})
    samples = one.samples + 1
    weight = max(1.0 / samples, 1.0 - FORGET)
    mean = one.high + weight * (each - one.high)
    if one.samples >= ENOUGH:
        most = one.high * HOURLY * interval / 3600.0
        mean = min(max(mean, one.high - most), one.high + most)
    # The error of a mean with forgetting: that of ``1 / weight`` measurements.
    weighed = max(1.0 / one.samples, 1.0 - FORGET)
    spread = (one.error or 0.0) ** 2 / weighed if one.samples > 1 else 0.0
    variance = (1 - weight) * (spread + weight * (each - one.high) ** 2)
    error = math.sqrt(variance * weight)
    return one.model_copy(update={"high": mean, "error": error, "samples": samples})


def _from_below(one: RevisionCapacity, each: float, *, met: bool, idle: bool) -> RevisionCapacity:
    low = one.low or 0.0
    if met and each > low:
        return one.model_copy(update={"low": low + 0.2 * (each - low), "met": one.met + 1})
    if met and each > 0.5 * low and one.met < ENOUGH:
        return one.model_copy(update={"met": one.met + 1})
    if not met and not idle and low and each <= 1.05 * low:
        # Never by more than a twentieth: a miss may have another cause than load.
        return one.model_copy(update={"low": max(0.95 * low, min(low, each))})
    return one


def _slowly(old: RevisionCapacity, new: RevisionCapacity, interval: float) -> RevisionCapacity:
    """``new`` with no deeper fall of the lower bound than is believed in one interval.

    Answers may be late for another reason than load, and then more replicas, each with less to do,
    would make the bound fall on and on.
    """
    if old.met < ENOUGH or old.low is None or new.low is None:
        return new
    least = old.low * (1.0 - HOURLY * interval / 3600.0)
    return new.model_copy(update={"low": max(new.low, least)})


def planned(
    given: Capacity, known: Sequence[RevisionCapacity], revision: str
) -> tuple[float | None, str]:
    """Requests per second and replica to plan with, and where they are from.

    ``Given`` by the spec; ``Learned`` once both bounds rest on enough measurements of the revision,
    or those of the one before it while they do not: the lower bound and a tenth, as long as that is
    below what is shown to be too much; ``Concurrency``: not known.
    """
    if given.requests_per_second is not None:
        return given.requests_per_second, "Given"
    own = next((one for one in known if one.revision == revision), None)
    for one in ([own] if own else []) + list(reversed(known)):
        rate = _rate(one)
        if rate is not None:
            return rate, "Learned"
    return None, "Concurrency"


def _rate(one: RevisionCapacity) -> float | None:
    if one.low is None or one.high is None or one.samples < ENOUGH or one.met < ENOUGH:
        return None
    return min(PROBE * one.low, max(one.high - CAUTION * (one.error or 0.0), one.high / 2))
