"""The course of a release: which share of the traffic the candidate gets, tick by tick."""

from dataclasses import dataclass

import numpy as np

from controllers.api.modelcanary.spec import Analysis
from controllers.modelcanary.blocks import lag
from controllers.readings import FloatArray

TICK = 15.0
"""Seconds between two scrapes, and between two looks: the defaults of ``spec.analysis``."""
WRITE_SECONDS = 1.0
"""From a decision until Envoy follows the new weight."""


@dataclass(frozen=True, eq=False)
class Ramp:
    """The same for all judges and runs: no verdict changes it, so that all see the same data.

    Minutes count from the moment at which the first weight is live, ``offset`` seconds after the
    first instant: a decision falls when a block was judged, between two instants.
    """

    shares: FloatArray
    """The candidate's share of the requests in each tick, in the mean over the tick."""
    changes: tuple[int, ...]
    """The ticks during which the weight moves; the first is one of them."""
    offset: float
    """Seconds from the beginning of such a tick until the weight is live."""
    tick: float = TICK
    """Seconds."""

    @property
    def ticks(self) -> int:
        """How many ticks there are."""
        return len(self.shares)

    @property
    def analysis(self) -> Analysis:
        """How the operator measures at this pace."""
        return Analysis(interval=self.tick, scrape_interval=self.tick)

    def length(self, minutes: float) -> int:
        """How many ticks are so many minutes."""
        return round(minutes * 60.0 / self.tick)

    def minutes(self, instant: FloatArray | float, late: float = 0.0) -> FloatArray:
        """Minutes from the first weight to ``late`` seconds after the instant of this number."""
        return (np.asarray(instant) * self.tick + late - self.offset) / 60.0


def steps(minutes: float = 50.0, tick: float = TICK) -> Ramp:
    """From 10 to 50 % in five steps of ten minutes each; then 50 %."""
    offset = _offset(tick)
    ticks = np.arange(round(minutes * 60.0 / tick))
    shares = 0.1 * np.minimum(1 + ticks * tick // 600.0, 5.0)
    changes = (0, *(np.flatnonzero(np.diff(shares)) + 1).tolist())
    before = np.concatenate([[0.0], shares[:-1]])
    return Ramp(before + (shares - before) * (1.0 - offset / tick), changes, offset, tick)


def level(minutes: float, share: float = 0.5, tick: float = TICK) -> Ramp:
    """One weight all the time, as in a pause."""
    return Ramp(np.full(round(minutes * 60.0 / tick), share), (0,), _offset(tick), tick)


def _offset(tick: float) -> float:
    return (lag(Analysis(interval=tick, scrape_interval=tick)) + WRITE_SECONDS) % tick
