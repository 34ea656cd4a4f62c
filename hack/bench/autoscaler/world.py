"""Many deployments at once, second by second: requests that wait in line, replicas that come up.

Every lane is a deployment of its own. Requests are served first come, first served, by whichever
slot is free; a replica that was asked for gets ready after a start-up time of its own and is
billed from the request to its deletion. Arrivals and start-up times of lanes with the same seed
are the same, whatever a policy does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.starts import Starts

SCRAPE = 15
"""Seconds between two scrapes, and between two looks of most policies."""
AGE = 8
"""How old the newest scrape is when a policy looks, in seconds."""
SPREAD = 0.3
"""Coefficient of variation of the start-up time, which is log-normal."""
PROBED = 64
"""For how many seconds the probes of the last seconds are kept."""
DRAWS = 1 << 15


@dataclass(frozen=True)
class Lane:
    """One deployment: who scales it, and what it meets."""

    family: str
    setting: float
    startup: float
    """The median of the start-up time in seconds."""
    seed: int
    """Which of the arrivals it gets."""
    fault: str = ""
    """What befalls it, by name; nothing in most."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What the lanes of one simulation share."""

    service: Service
    counts: IntArray
    """Requests (seeds, seconds)."""
    begin: int
    """The second at which the simulation begins; what was before is history.

    Who asks for rates needs as much of it as the widest of his windows.
    """
    most: int
    """No deployment may have more replicas."""


@dataclass(eq=False)
class Scrape:
    """What the newest scrape found."""

    at: int
    usage: FloatArray
    """Share of the slots of ready replicas that was busy, in the mean since the scrape before."""
    concurrency: FloatArray
    """Requests in service and waiting."""
    backlog: FloatArray
    """Requests waiting."""
    met: FloatArray
    """Share of the requests begun in the last minute that did not wait too long; NaN: none."""


class World:
    """The state of all lanes at the beginning of second ``now``."""

    def __init__(self, setting: Setting, lanes: Sequence[Lane]) -> None:
        self.setting, self.lanes, self.now = setting, lanes, setting.begin
        self.seed = np.array([lane.seed for lane in lanes], np.int64)
        self._per_second = np.ascontiguousarray(setting.counts.T)
        seeds, seconds = setting.counts.shape
        self.total = np.zeros((seconds + 2, seeds), np.int64)
        """Requests before each second, and once more after the last."""
        np.cumsum(self._per_second, axis=0, out=self.total[1:-1])
        self.total[-1] = self.total[-2]
        self.desired = self._first_size()
        self.ready = self.desired.copy()
        self.starts = Starts(len(lanes), max(setting.most, 1))
        self.queue = np.zeros(len(lanes), np.int64)
        self.started = np.zeros(len(lanes), np.int64)
        """Requests that got their slot in the last second."""
        self._ring = np.zeros((setting.service.seconds, len(lanes)), np.int64)
        self.busy = np.zeros(len(lanes), np.int64)
        self.billed = np.zeros(len(lanes), np.int64)
        """Replica-seconds so far."""
        self._median = np.array([lane.startup for lane in lanes])
        self._drawn = np.zeros(len(lanes), np.int64)
        sigma = np.sqrt(np.log1p(SPREAD**2))
        self._factor = np.exp(
            sigma * np.array([_normal(seed) for seed in range(setting.counts.shape[0])])
        )
        self._concurrency = np.zeros((PROBED, len(lanes)), np.int64)
        self._busy_sum = np.zeros(len(lanes), np.int64)
        self._ready_sum = np.zeros(len(lanes), np.int64)
        self._late = np.zeros((60, len(lanes)), np.int64)
        self._begun = np.zeros((60, len(lanes)), np.int64)
        self.scrape = self._scraped()

    def _first_size(self) -> IntArray:
        """Every lane begins with 60 % of its slots busy."""
        since = max(self.now - 300, 0)
        until = min(max(self.now, since + 60), len(self._per_second))
        rate = (self.total[until] - self.total[since]) / (until - since)
        size = np.ceil(rate / self.setting.service.rate / 0.6).astype(np.int64)
        first: IntArray = np.clip(size, 1, self.setting.most)[self.seed]
        return first

    def step(self) -> None:
        """One second: replicas get ready, requests end, arrive and start."""
        place = self.now % len(self._ring)
        lanes, number = self.starts.ready(self.now)
        if len(lanes):
            self.ready[lanes] += number
        self.busy -= self._ring[place]
        self.queue += self._per_second[self.now][self.seed]
        free = self.ready * self.setting.service.slots
        free -= self.busy
        np.maximum(free, 0, out=free)
        self.started = np.minimum(self.queue, free)
        self._count_late()
        self.queue -= self.started
        self._ring[place] = self.started
        self.busy += self.started
        self.billed += self.ready
        self.billed += self.starts.count
        concurrency = self._concurrency[self.now % PROBED]
        np.add(self._concurrency[(self.now - 1) % PROBED], self.busy, out=concurrency)
        concurrency += self.queue
        self._busy_sum += self.busy
        self._ready_sum += self.ready
        self.now += 1
        if (self.now + AGE) % SCRAPE == 0:
            self.scrape = self._scraped()

    def _count_late(self) -> None:
        """Of those that begin now, the ones that came too long ago: the first in line are."""
        begun = self.total[self.now + 1][self.seed] - self.queue
        due = self.total[max(self.now - self.setting.service.allowed, 0)][self.seed]
        self._late[self.now % 60] = np.clip(due - begun, 0, self.started)
        self._begun[self.now % 60] = self.started

    def _scraped(self) -> Scrape:
        slots = np.maximum(self._ready_sum * self.setting.service.slots, 1)
        usage = np.minimum(self._busy_sum / slots, 1.0)
        self._busy_sum[:] = 0
        self._ready_sum[:] = 0
        backlog = self.queue.astype(np.float64)
        begun = self._begun.sum(axis=0)
        late = self._late.sum(axis=0) / np.maximum(begun, 1)
        met = np.where(begun > 0, 1.0 - late, np.nan)
        return Scrape(self.now, usage, self.busy + backlog, backlog, met)

    def rate(self, window: int, lanes: slice) -> FloatArray:
        """Requests per second, as ``rate()`` over so many seconds has it at the newest scrape.

        A window of k scrapes holds the growth of k - 1 intervals.
        """
        at, span = self.scrape.at, window - SCRAPE
        before = max(at - span, 0)
        grown: FloatArray = (self.total[at] - self.total[before]) / (at - before)
        return grown[self.seed[lanes]]

    def probed(self, window: int, lanes: slice) -> FloatArray:
        """Mean of the requests in service and waiting over the last seconds (at most 63)."""
        last, before = (self.now - 1) % PROBED, (self.now - 1 - window) % PROBED
        mean: FloatArray = (self._concurrency[last, lanes] - self._concurrency[before, lanes]) / (
            window
        )
        return mean

    def scale(self, lanes: slice, wanted: IntArray) -> None:
        """Set how many replicas each of these lanes shall have."""
        wanted = np.clip(wanted, 0, self.setting.most)
        change = wanted - self.desired[lanes]
        self.desired[lanes] = wanted
        up, down = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
        if len(up):
            self.begin_starts(up + lanes.start, change[up])
        if len(down):
            removed = -change[down] - self.starts.cancel(down + lanes.start, -change[down])
            self.drain(down + lanes.start, removed)

    def begin_starts(self, lanes: IntArray, numbers: IntArray) -> None:
        """So many new replicas in each of these lanes."""
        owner = np.repeat(lanes, numbers)
        first = np.repeat(np.cumsum(numbers) - numbers, numbers)
        index = self._drawn[owner] + np.arange(len(owner)) - first
        takes = self._median[owner] * self._factor[self.seed[owner], index % DRAWS]
        self._drawn[lanes] += numbers
        due = self.now + np.maximum(np.rint(takes).astype(np.int64), 1)
        self.starts.begin(lanes, numbers, due)

    def drain(self, lanes: IntArray, numbers: IntArray) -> None:
        """Remove ready replicas: they take no more requests and end those that they have."""
        lanes, numbers = lanes[numbers > 0], numbers[numbers > 0]
        ready = self.ready[lanes]
        kept = ready - numbers
        self._ring[:, lanes] = self._ring[:, lanes] * kept // np.maximum(ready, 1)
        self.busy[lanes] = self._ring[:, lanes].sum(axis=0)
        self.ready[lanes] = kept
        self.billed[lanes] += numbers * self.setting.service.seconds


def _normal(seed: int) -> FloatArray:
    return np.random.default_rng([seed, 7]).standard_normal(DRAWS)
