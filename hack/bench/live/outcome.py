"""What the answers of one experiment say: when the fault began, when it was over, what it cost."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hack.cluster.traffic import Answer


@dataclass(frozen=True)
class Outcome:
    """One experiment, in seconds and counts of answers; ``wrote`` is None where nothing was."""

    seconds: float
    """From the candidate's first bad answer to its last answer of any kind."""
    bad: int
    """Bad answers of the candidate."""
    wrote: float | None
    """From the first bad answer to the write that took the candidate's traffic away."""
    over: bool
    """Whether the candidate was without traffic in the end; if not, the others are lower bounds."""
    share: float
    """The candidate's share of the answers between its first answer and its first bad one."""
    rps: float
    """Answers per second over the whole experiment."""
    slow: float
    """Seconds within which 99 of 100 requests were answered, from when each was due."""
    why: str
    """What the contestant itself says."""


def is_bad(answer: Answer) -> bool:
    """A 5xx, or no answer at all."""
    return not 0 < answer.status < 500


def first_answer(answers: Sequence[Answer], version: str) -> float | None:
    """When that version first answered, in unix seconds."""
    return next((answer.at for answer in answers if answer.version == version), None)


def first_bad(answers: Sequence[Answer], version: str) -> float | None:
    """When that version first gave a bad answer, in unix seconds."""
    return next((a.at for a in answers if a.version == version and is_bad(a)), None)


def outcome(
    answers: Sequence[Answer], candidate: str, *, quiet: float, wrote: float | None, why: str
) -> Outcome | None:
    """The outcome of answers in the order in which they came; None without a bad one.

    It is over when the candidate gave none of the answers of the last ``quiet`` seconds. ``wrote``
    is in unix seconds. A request that nobody answered names no version and is not counted.
    """
    mine = [answer for answer in answers if answer.version == candidate]
    bad = [answer for answer in mine if is_bad(answer)]
    if not bad:
        return None
    began, ended = bad[0].at, mine[-1].at
    trial = [answer for answer in answers if mine[0].at <= answer.at < began]
    span = answers[-1].at - answers[0].at
    return Outcome(
        seconds=ended - began,
        bad=len(bad),
        wrote=None if wrote is None else wrote - began,
        over=answers[-1].at - ended >= quiet,
        share=sum(answer.version == candidate for answer in trial) / max(1, len(trial)),
        rps=(len(answers) - 1) / span if span else 0.0,
        slow=statistics.quantiles((answer.seconds for answer in answers), n=100)[98],
        why=why,
    )


def middle_and_range(values: Sequence[float], digits: int) -> str:
    """``median (lowest to highest)``; a dash where there are none."""
    if not values:
        return "-"
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
