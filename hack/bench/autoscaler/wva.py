"""The rule of llm-d's workload variant autoscaler on many deployments: one step a minute."""

from collections.abc import Sequence

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting

INTERVAL = 60
SPARE_USE, QUEUE, SPARE_QUEUE = 0.10, 5.0, 3.0


class Wva:
    """The setting is the threshold of the use of the KV cache, for which the busy share stands.

    Load is the worst of the last minute, as ``max_over_time[1m]`` has it; up only while nothing
    is starting.
    """

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting) -> None:
        self._threshold = np.array([lane.setting for lane in lanes])
        self._most = setting.most
        self._use = np.zeros((INTERVAL // SCRAPE, len(lanes)))
        self._queue = np.zeros((INTERVAL // SCRAPE, len(lanes)))

    def decide(self, seen: Seen) -> IntArray:
        """One up, one down or nothing, at full minutes."""
        ready = np.maximum(seen.ready, 1)
        place = seen.now // SCRAPE % len(self._use)
        self._use[place], self._queue[place] = seen.usage, seen.backlog / ready
        if seen.now % INTERVAL:
            return seen.desired
        use, queue = self._use.max(axis=0), self._queue.max(axis=0)
        known = ~np.isnan(use) & ~np.isnan(queue) & ~seen.failed
        up = ~self._spare(use, queue) & (seen.starting == 0)
        fewer = ready / np.maximum(ready - 1, 1)
        down = (ready >= 2) & self._spare(use, queue) & self._spare(use * fewer, queue * fewer)
        step = np.where(known, up.astype(np.int64) - down.astype(np.int64), 0)
        return np.clip(seen.desired + step, 1, self._most)

    def _spare(self, use: FloatArray, queue: FloatArray) -> BoolArray:
        spare: BoolArray = (self._threshold - use >= SPARE_USE) & (QUEUE - queue >= SPARE_QUEUE)
        return spare
