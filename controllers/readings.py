"""What is asked of Prometheus and what its answer says: a value with its age, or why not."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Samples = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Query:
    """PromQL evaluated at one explicit instant or, with a span, on a grid of them that ends there.

    The grid is every multiple of ``step`` from ``at - span`` to ``at``, so that it is the same
    whoever asks and whenever.
    """

    text: str
    at: float
    """The evaluation instant in unix seconds."""
    lookback: float | None = None
    """How old a sample of an instant vector may be, in seconds; None: the server's own setting."""
    span: float = 0.0
    """How far the grid reaches back, in seconds; 0: no grid, ``at`` alone."""
    step: float = 0.0
    """Seconds between two instants of the grid."""

    def __post_init__(self) -> None:
        if self.span and not 0.0 < self.step <= self.span:
            raise ValueError(f"no grid: step {self.step:g} s, span {self.span:g} s")

    @property
    def grid(self) -> tuple[int, int]:
        """The first and the last instant of the grid, as multiples of ``step``."""
        # A millionth of a step, because instants are not exact in binary.
        first = math.ceil((self.at - self.span) / self.step - 1e-6)
        return first, math.floor(self.at / self.step + 1e-6)


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
    PARTIAL = "Partial"
    """Prometheus warns that some of what was asked for is not in its answer."""


WRONG = "the query is wrong: "
"""How the detail of a query begins that Prometheus cannot read, whenever it is asked."""


@dataclass(frozen=True)
class Missing:
    """No value, and why."""

    gap: Gap
    detail: str

    @property
    def wrong(self) -> bool:
        """Whether the query itself is at fault, so that asking again is in vain."""
        return self.gap is Gap.FAILED and self.detail.startswith(WRONG)


@dataclass(frozen=True)
class Value:
    """A finite number and the age of its sample at the evaluation instant, in seconds."""

    value: float
    age: float


Reading = Value | Missing


@dataclass(frozen=True, eq=False)
class Series:
    """The samples of one series, in ascending order of time (unix seconds).

    Where a grid was asked for and is read back from memory, all series of the answer share its
    times, and NaN says that there is nothing finite at an instant.
    """

    labels: Mapping[str, str]
    times: FloatArray
    values: Samples
    """To be read only: what is remembered is shared by all who ask for it."""


@dataclass(frozen=True)
class Answer:
    """What Prometheus returned for one query."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()
    since: float = -math.inf
    """Of a grid: the instant (unix seconds) from which on it has been read; what lies before it is
    not known yet. ``inf``: nothing has been read yet."""
    _groups: dict[tuple[str, ...], Mapping[tuple[str, ...], tuple[Series, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def by(self, *names: str) -> Mapping[tuple[str, ...], tuple[Series, ...]]:
        """The series by their values of these labels; a label that is not there counts as empty.

        Computed once for each set of names, so that a thousand readers of one grouped answer find
        theirs in constant time.
        """
        found = self._groups.get(names)
        if found is None:
            groups: dict[tuple[str, ...], list[Series]] = {}
            for one in self.series:
                groups.setdefault(tuple(one.labels.get(name, "") for name in names), []).append(one)
            found = {values: tuple(group) for values, group in groups.items()}
            self._groups[names] = found
        return found


Answered = Answer | Missing
"""Missing only with ``Gap.FAILED``: emptiness and staleness are judged by who reads the answer."""


def complete(answered: Answered) -> Answered:
    """The answer, or Missing with PARTIAL where Prometheus itself says something against it.

    Its hints on the names of counters are nothing against it.
    """
    if isinstance(answered, Missing):
        return answered
    said = "; ".join(one for one in answered.warnings if not one.startswith("PromQL info"))
    return Missing(Gap.PARTIAL, f"Prometheus warns: {said[:200]}") if said else answered


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
