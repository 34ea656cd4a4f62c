"""The evidence of one count over a run: several starts for rollback, the first for the rest."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from controllers.stats import rate, ratio
from controllers.stats.mixture import Counts, log_mixture

YOUNGEST = 3
FORM = 1
"""The form of the state; to be raised with every change of the grid, whose vectors it holds."""

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Bounds:
    """What counts as harm: a bad rate above the floor and worse than stable's by a factor."""

    tolerance: float
    """The ratio up to which a release is not rolled back."""
    margin: float
    """The ratio from which a release is not certified."""
    floor: float = 0.0
    """The bad rate up to which a release is good enough whatever stable does; 0: none."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.floor <= 0.5:
            raise ValueError(f"floor {self.floor}: must be a share from 0 to 0.5")
        ratio.grid(self.tolerance, self.margin)

    @property
    def grid(self) -> ratio.Grid:
        """The ratios that are tested."""
        return ratio.grid(self.tolerance, self.margin)


@dataclass(frozen=True)
class Block:
    """What both arms answered between two evaluation instants; arrays count several runs at once.

    Raises ValueError, naming the field, for a count that is negative, not finite or more bad
    answers than answers.
    """

    stable_requests: Counts
    stable_bad: Counts
    candidate_requests: Counts
    candidate_bad: Counts

    def __post_init__(self) -> None:
        for arm in ("stable", "candidate"):
            requests, bad = getattr(self, f"{arm}_requests"), getattr(self, f"{arm}_bad")
            for name, count in ((f"{arm}_requests", requests), (f"{arm}_bad", bad)):
                if not np.all(np.isfinite(count)) or np.any(np.less(count, 0.0)):
                    raise ValueError(f"{name} {count}: must be a finite number of at least 0")
            if np.any(np.greater(bad, requests)):
                raise ValueError(f"{arm}_bad {bad}: must be at most {arm}_requests {requests}")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one count has shown so far; immutable, each step gives a new one.

    Rollback evidence is restarted now and then, so that a long healthy past does not mask a fault
    that begins late. Start j has weight 1/(j(j+1)); the first and the youngest few are kept, the
    others count as zero, which only lowers the evidence. The mixture is an e-process, since the
    weights of all starts, past and to come, sum to one and each start has a mean of at most one.

    Arrays have the kept starts on the first axis, then the runs' own dimensions, if any.
    """

    bounds: Bounds
    begun: int
    """How many starts there were."""
    numbers: tuple[int, ...]
    """Which of them are kept, oldest first; the first is always 1."""
    requests: FloatArray
    """The candidate's answers since each kept start."""
    bad: FloatArray
    """How many of them were bad."""
    log_likelihoods: npt.NDArray[np.float32]
    """Of each ratio of the grid (last axis) since each kept start."""
    stable_requests: FloatArray
    """Stable's answers in the run."""
    stable_bad: FloatArray
    """How many of them were bad."""

    @classmethod
    def begin(cls, bounds: Bounds, shape: tuple[int, ...] = ()) -> Self:
        """The first start of a run, or of an array of runs that step and restart together."""
        return cls(
            bounds=bounds,
            begun=1,
            numbers=(1,),
            requests=np.zeros((1, *shape)),
            bad=np.zeros((1, *shape)),
            log_likelihoods=np.zeros((1, *shape, len(bounds.grid.ratios)), np.float32),
            stable_requests=np.zeros(shape),
            stable_bad=np.zeros(shape),
        )

    def restart(self) -> Self:
        """The same with one more start; unchanged if the youngest has not seen a request yet."""
        if not np.any(self.requests[-1]):
            return self
        kept = [0, *range(max(1, len(self.numbers) - YOUNGEST + 1), len(self.numbers))]
        begun = self.begun + 1
        return replace(
            self,
            begun=begun,
            numbers=(*(self.numbers[i] for i in kept), begun),
            requests=_with_zero(self.requests[kept]),
            bad=_with_zero(self.bad[kept]),
            log_likelihoods=_with_zero(self.log_likelihoods[kept]),
        )

    def add(self, block: Block) -> Self:
        """The same with one more block, rounded to the form in which it is kept in status.

        Rounding here, and not only when it is written, lets a restarted process go on to exactly
        the same verdict.
        """
        gained = ratio.increments(
            block.stable_requests,
            block.candidate_requests,
            block.stable_bad,
            block.candidate_bad,
            self.bounds.grid,
        )
        return replace(
            self,
            requests=self.requests + block.candidate_requests,
            bad=self.bad + block.candidate_bad,
            # The sum with zero makes one zero of two, so that equal states have equal bytes.
            log_likelihoods=(self.log_likelihoods + gained).astype(np.float32) + np.float32(0.0),
            stable_requests=self.stable_requests + block.stable_requests,
            stable_bad=self.stable_bad + block.stable_bad,
        )

    def rollback_log_e(self) -> FloatArray:
        """The log e-value against "rate at most the floor, or ratio at most the tolerance".

        Valid if the same half of that holds in every block: then the smaller of the two halves is
        at most the valid one.
        """
        bounds = self.bounds
        by_ratio = ratio.rollback_log_e(self.log_likelihoods.astype(np.float64), bounds.grid)
        if bounds.floor == 0.0:
            return self._over_starts(by_ratio)
        by_rate = rate.rollback_log_e(self.bad, self.requests, bounds.floor)
        return np.minimum(self._over_starts(by_ratio), self._over_starts(by_rate))

    def _over_starts(self, log_es: FloatArray) -> FloatArray:
        numbers = np.array([*self.numbers, math.inf])
        weights = np.append(1.0 / (numbers[:-1] * (numbers[:-1] + 1.0)), 1.0 / (self.begun + 1.0))
        # Starts to come have seen nothing: their e-value is 1 and their weights sum to 1/(begun+1).
        log_es = np.concatenate([log_es, np.zeros((1, *log_es.shape[1:]))])
        shape = (len(weights),) + (1,) * (log_es.ndim - 1)
        return log_mixture(log_es, np.log(weights).reshape(shape), axis=0)

    def certify_log_e(self) -> FloatArray:
        """The log e-value against "rate above the floor and ratio at least the margin".

        The mean of the two halves, from the first start alone, so that evidence never expires; the
        ratio's alone where there is no floor.
        """
        by_rate, by_ratio = self.certify_parts()
        if self.bounds.floor == 0.0:
            return by_ratio
        return np.logaddexp(by_rate, by_ratio) - math.log(2.0)

    def certify_parts(self) -> tuple[FloatArray, FloatArray]:
        """The log e-values for "rate below the floor" and for "ratio below the margin"."""
        return (
            rate.certify_log_e(self.bad[0], self.requests[0], self.bounds.floor),
            ratio.certify_log_e(self.log_likelihoods[0].astype(np.float64), self.bounds.grid),
        )

    def estimate(self) -> float | None:
        """The most likely ratio over the whole run, of one run; None if the counts do not say."""
        return ratio.estimate(self.log_likelihoods[0].astype(np.float64), self.bounds.grid)

    def interval(self, alpha: float) -> ratio.Interval:
        """The always-valid interval of the ratio over the whole run, of one run."""
        return ratio.interval(self.log_likelihoods[0].astype(np.float64), alpha, self.bounds.grid)

    def dump(self) -> dict[str, Any]:
        """The state of one run in JSON's types; ``load`` gives exactly the same state back."""
        starts = [
            [
                number,
                _number(self.requests[i]),
                _number(self.bad[i]),
                base64.b64encode(self.log_likelihoods[i].astype("<f4").tobytes()).decode(),
            ]
            for i, number in enumerate(self.numbers)
        ]
        stable = [_number(self.stable_requests), _number(self.stable_bad)]
        return {"form": FORM, "begun": self.begun, "stable": stable, "starts": starts}

    @classmethod
    def load(cls, bounds: Bounds, data: Mapping[str, Any]) -> Self:
        """The state that ``dump`` wrote; ValueError, saying what is wrong, if it is not one."""
        if data.get("form") != FORM:
            raise ValueError(f"evidence has form {data.get('form')}, this version reads {FORM}")
        try:
            numbers, requests, bad, vectors = zip(*data["starts"], strict=True)
            stable_requests, stable_bad = data["stable"]
            loaded = cls(
                bounds=bounds,
                begun=int(data["begun"]),
                numbers=tuple(int(number) for number in numbers),
                requests=np.array(requests, dtype=np.float64),
                bad=np.array(bad, dtype=np.float64),
                log_likelihoods=np.stack([_vector(one) for one in vectors]),
                stable_requests=np.array(stable_requests, dtype=np.float64),
                stable_bad=np.array(stable_bad, dtype=np.float64),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"evidence cannot be read: {error!r}") from error
        loaded._check()
        return loaded

    def _check(self) -> None:
        size, expected = self.log_likelihoods.shape[-1], len(self.bounds.grid.ratios)
        if size != expected:
            raise ValueError(f"evidence has {size} ratios, this version has {expected}")
        numbers = [*self.numbers, self.begun]
        if self.numbers[0] != 1 or self.numbers[-1] != self.begun or numbers != sorted(numbers):
            raise ValueError(f"evidence has starts {self.numbers} of {self.begun}")
        for counts in (self.requests, self.bad, self.stable_requests, self.stable_bad):
            if not np.all(np.isfinite(counts)) or np.any(counts < 0.0):
                raise ValueError(f"evidence has the count {counts}: must be finite, at least 0")
        if not np.all(np.isfinite(self.log_likelihoods)):
            raise ValueError("evidence has a log likelihood that is not finite")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evidence):
            return NotImplemented
        return self.bounds == other.bounds and self.dump() == other.dump()

    __hash__ = None  # type: ignore[assignment]


def _with_zero(kept: npt.NDArray[T]) -> npt.NDArray[T]:
    return np.concatenate([kept, np.zeros((1, *kept.shape[1:]), kept.dtype)])


def _vector(text: str) -> npt.NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)


def _number(count: FloatArray) -> int | float:
    """An integer where it is one, for brevity; Python's floats survive JSON exactly."""
    value = float(count)
    return int(value) if value.is_integer() else value
