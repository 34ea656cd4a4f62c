"""What is asked of Prometheus and what its answer says: a value with its age, or why not."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """PromQL evaluated at one explicit instant."""

    text: str
    at: float
    """The evaluation instant in unix seconds."""
    lookback: float | None = None
    """How old a sample of an instant vector may be, in seconds; None: the server's own setting."""


class Gap(enum.StrEnum):
    """Why there is no value."""

    ABSENT = "Absent"
    """The query matched no series."""
    STALE = "Stale"
    """The newest sample is older than allowed."""
    NOT_FINITE = "NotFinite"
    """A sample is NaN, infinite or, for a counter, negative."""
    FAILED = "Failed"
    """The query was refused or not answered in time."""
    AMBIGUOUS = "Ambiguous"
    """Several series where one is wanted."""


@dataclass(frozen=True)
class Missing:
    """No value, and why."""

    gap: Gap
    detail: str


@dataclass(frozen=True)
class Value:
    """A finite number and the age of its sample at the evaluation instant, in seconds."""

    value: float
    age: float


Reading = Value | Missing


@dataclass(frozen=True, eq=False)
class Series:
    """The samples of one series, in ascending order of time (unix seconds)."""

    labels: Mapping[str, str]
    times: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Answer:
    """What Prometheus returned for one query."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


Answered = Answer | Missing
"""Missing only with ``Gap.FAILED``: emptiness and staleness are judged by who reads the answer."""


def scalar(answered: Answered, at: float) -> Reading:
    """The newest sample at or before ``at`` (unix seconds) of an answer that must be one series.

    The age is left to the caller to judge: only he knows how old is too old.
    """
    if isinstance(answered, Missing):
        return answered
    held = [(one, int(np.searchsorted(one.times, at, side="right"))) for one in answered.series]
    held = [(one, count) for one, count in held if count]
    if not held:
        return Missing(Gap.ABSENT, "the query returned no series")
    if len(held) > 1:
        shown = ", ".join(_written(one.labels) for one, _ in held[:2])
        more = ", ..." if len(held) > 2 else ""
        return Missing(
            Gap.AMBIGUOUS, f"the query returned {len(held)} series, not one: {shown}{more}"
        )
    one, count = held[0]
    value = float(one.values[count - 1])
    if not math.isfinite(value):
        return Missing(Gap.NOT_FINITE, f"the newest sample of {_written(one.labels)} is {value}")
    return Value(value, at - float(one.times[count - 1]))


def _written(labels: Mapping[str, str]) -> str:
    """A label set as Prometheus writes it."""
    pairs = ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels) if name != "__name__")
    return f"{labels.get('__name__', '')}{{{pairs}}}"
