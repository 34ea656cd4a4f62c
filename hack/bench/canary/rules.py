"""Threshold rules as Flagger and Argo Rollouts apply them, and rules on the ratio of the arms."""

import math
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary import windows
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.simulate import CANDIDATE, STABLE, BoolArray, IntArray, Scraped
from hack.bench.canary.windows import Windows

RETRY_SECONDS, ERRORS = 10.0, 5
"""Argo asks again after a failed query, and gives up at the fifth failure in a row."""


class Seen:
    """The windows of one set of runs, each computed once."""

    def __init__(self, scraped: Scraped) -> None:
        self.scraped = scraped
        self.grown = scraped.grown()
        self._known: dict[tuple[int, float, bool], Windows] = {}

    def window(self, arm: int, seconds: float, *, newest: bool = False) -> Windows:
        """The windows of one arm; ``newest`` for irate instead of rate."""
        key = (arm, seconds, newest)
        if key not in self._known:
            kind = windows.irate if newest else windows.rate
            self._known[key] = kind(self.scraped, self.grown, arm, seconds)
        return self._known[key]

    @property
    def ramp(self) -> Ramp:
        """The course of the release."""
        return self.scraped.ramp


class Rule(Protocol):
    """A judge that has nothing but the windows."""

    @property
    def name(self) -> str:
        """What it is called in the tables, with its setting."""

    def found(self, seen: Seen) -> FloatArray:
        """When each run is rolled back, in minutes from the start; inf: never."""


def marks(ramp: Ramp, seconds: float) -> IntArray:
    """The instants at which a judge looks that looks every so many seconds."""
    every = round(seconds / ramp.tick)
    return np.arange(every, ramp.ticks + 1, every)


def first(when: BoolArray, ramp: Ramp, looks: IntArray, late: float = 0.0) -> FloatArray:
    """Minutes to ``late`` seconds after the first look that is true; inf where none is."""
    minutes = ramp.minutes(looks.astype(np.float64), late)
    found: FloatArray = np.where(when.any(axis=0), minutes[np.argmax(when, axis=0)], math.inf)
    return found


@dataclass(frozen=True)
class Flagger:
    """Failed checks are counted and never forgiven; the rollback comes at the next tick."""

    minimum: float = 0.99
    """The least share of good answers of the candidate, over one minute."""
    threshold: int = 5

    @property
    def name(self) -> str:
        """The setting in Flagger's own words."""
        return f"Flagger min {100 * self.minimum:g} %, threshold {self.threshold}"

    def found(self, seen: Seen) -> FloatArray:
        """No value, NaN and a failed query are failed checks too."""
        looks = marks(seen.ramp, 60.0)
        share = seen.window(CANDIDATE, 60.0).share[looks]
        failed = ~(1.0 - share >= self.minimum)
        return first(np.cumsum(failed, axis=0) >= self.threshold, seen.ramp, looks, late=60.0)


@dataclass(frozen=True)
class Argo:
    """More failed measurements than the limit abort, and so do five failed queries in a row."""

    minimum: float = 0.95
    """The least share of good answers of the candidate."""
    limit: int = 3
    window: float = 300.0
    interval: float = 300.0
    newest: bool = False
    """Whether the query uses irate, as the documented one does."""
    patient: bool = False
    """Whether ``consecutiveErrorLimit`` is raised beyond any outage; else it is the default, 4."""

    @property
    def name(self) -> str:
        """The setting in Argo's own words."""
        kind = "irate" if self.newest else "rate"
        return (
            f"Argo >= {100 * self.minimum:g} %, {kind}[{self.window / 60:g}m] every "
            f"{self.interval / 60:g}m, failureLimit {self.limit}"
            + (", any number of errors" if self.patient else "")
        )

    def found(self, seen: Seen) -> FloatArray:
        """NaN fails the condition; an empty result or a failed query is an error."""
        looks = marks(seen.ramp, self.interval)
        read = seen.window(CANDIDATE, self.window, newest=self.newest)
        failed = ~(1.0 - read.share[looks] >= self.minimum) & ~read.error[looks]
        by_failures = first(np.cumsum(failed, axis=0) > self.limit, seen.ramp, looks)
        if self.patient:
            return by_failures
        aborted = _given_up(read.error, looks, seen.ramp)
        by_errors = first(aborted, seen.ramp, looks, late=RETRY_SECONDS * (ERRORS - 1))
        return np.minimum(by_failures, by_errors)


def _given_up(error: BoolArray, looks: IntArray, ramp: Ramp) -> BoolArray:
    """Whether each measurement and its four retries all failed."""
    given_up = error[looks]
    for retry in range(1, ERRORS):
        instants = looks + int(retry * RETRY_SECONDS // ramp.tick)
        given_up = given_up & error[np.minimum(instants, len(error) - 1)]
    return given_up


@dataclass(frozen=True)
class Ratio:
    """Candidate's bad share against stable's, over a window, looked at every minute."""

    factor: float
    window: float
    needed: int
    """How many looks must find it too high ..."""
    in_a_row: bool
    """... without one between that does not."""

    @property
    def name(self) -> str:
        """The rule in words."""
        how = "in a row" if self.in_a_row else "in all"
        return f"ratio > {self.factor:g} over {self.window / 60:g}m, {self.needed} {how}"

    def found(self, seen: Seen) -> FloatArray:
        """A look without a value on either side counts for nothing."""
        looks = marks(seen.ramp, 60.0)
        mine, other = (seen.window(arm, self.window).share[looks] for arm in (CANDIDATE, STABLE))
        high = mine > self.factor * other
        count = np.zeros(high.shape[1])
        enough = np.zeros_like(high)
        for look, now in enumerate(high):
            count = np.where(now, count + 1, 0 if self.in_a_row else count)
            enough[look] = count >= self.needed
        return first(enough, seen.ramp, looks)


DOCUMENTED: tuple[Rule, ...] = (Flagger(), Argo(newest=True))
"""What the documentation of each shows for an error rate."""


def sweep(base: float) -> dict[str, list[Rule]]:
    """The settings that are tried of each; their limits know the true base rate beforehand."""
    limits = [1.0 - factor * base for factor in (1.5, 2.0, 3.0, 5.0)]
    flagger: list[Rule] = [Flagger(*one) for one in product(limits, (1, 3, 5, 10))]
    argo: list[Rule] = [
        Argo(limit, failures, window, interval, patient=patient)
        for limit, failures, window, interval, patient in product(
            limits, (0, 1, 3, 5), (60.0, 300.0), (60.0, 300.0), (False, True)
        )
    ]
    ratio: list[Rule] = [
        Ratio(*one, *how)
        for one in product((1.2, 1.5, 2.0, 3.0), (60.0, 300.0))
        for how in ((3, False), (5, False), (2, True), (3, True), (5, True), (8, True))
    ]
    return {"Flagger": flagger, "Argo": argo, "Ratio rule": ratio}
