"""What PromQL's rate and irate give at each instant, for many runs at once."""

from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary.simulate import BAD, GOOD, BoolArray, IntArray, Scraped


@dataclass(frozen=True, eq=False)
class Windows:
    """The growth of one arm's counters over a window that ends at each instant."""

    requests: FloatArray
    """(instants, runs); between the outermost samples, so that extrapolation does not matter."""
    bad: FloatArray
    error: BoolArray
    """Whether the query fails or returns nothing: fewer than two samples in the window."""

    @property
    def share(self) -> FloatArray:
        """The bad share; NaN without a request, as in PromQL."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share: FloatArray = np.where(self.error, np.nan, self.bad / self.requests)
        return share


def rate(scraped: Scraped, grown: FloatArray, arm: int, seconds: float) -> Windows:
    """The windows of ``rate(counter[seconds])``: open on the left, as in Prometheus 3."""
    present = scraped.present[arm]
    instants = np.arange(len(present))[:, None]
    begin = np.maximum(instants - round(seconds / scraped.ramp.tick) + 1, 0)
    after = np.where(present, instants, len(present))
    oldest_after = np.minimum.accumulate(after[::-1], axis=0)[::-1]
    oldest = np.take_along_axis(oldest_after, np.broadcast_to(begin, present.shape), axis=0)
    return _between(scraped, grown, arm, oldest)


def irate(scraped: Scraped, grown: FloatArray, arm: int, seconds: float) -> Windows:
    """The windows of ``irate(counter[seconds])``: the two newest samples."""
    last = scraped.last[arm]
    before = np.take_along_axis(last, np.maximum(last - 1, 0), axis=0)
    begin = np.arange(len(last))[:, None] - round(seconds / scraped.ramp.tick) + 1
    return _between(scraped, grown, arm, np.where(before >= begin, before, last))


def _between(scraped: Scraped, grown: FloatArray, arm: int, oldest: IntArray) -> Windows:
    last = scraped.last[arm]
    few = oldest >= last
    first = np.where(few, last, oldest)
    growth = [
        np.take_along_axis(grown[arm, kind], last, axis=0)
        - np.take_along_axis(grown[arm, kind], first, axis=0)
        for kind in (GOOD, BAD)
    ]
    return Windows(growth[0] + growth[1], growth[1], few | scraped.away)
