"""Many KEDA ScaledObjects at once: one Prometheus trigger on the request rate."""

from collections.abc import Sequence

import numpy as np

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.hpas import Limits, by_total
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting

WINDOW = 120
"""Seconds of ``rate()`` in the query, as the documentation has it."""
POLLING, COOLDOWN = 30, 300


class Keda:
    """The operator decides between none and one, its HPA on an external metric does the rest.

    The setting is the target rate per replica as a share of what one can do. No value counts as
    0 (``ignoreNullValues`` is true by default); a query that fails leaves things as they are.
    """

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting, fewest: int = 1) -> None:
        self._target = setting.service.rate * np.array([lane.setting for lane in lanes])
        self._fewest = fewest
        self._limits = Limits(len(lanes), max(fewest, 1), setting.most)
        self._active = np.full(len(lanes), -np.inf)
        """When each trigger was active last; an object that never was goes to none at once."""

    def decide(self, seen: Seen) -> IntArray:
        """The HPA looks every time, the operator at every second one."""
        value = np.nan_to_num(seen.rate(WINDOW), nan=0.0)
        current, known = seen.desired, ~seen.failed
        wanted = by_total(value, self._target, seen.ready + seen.starting)
        scaled = self._limits.apply(current, wanted, known)
        scaled = np.where(current == 0, 0, scaled)  # an HPA leaves none alone
        if seen.now % POLLING:
            return scaled
        active = known & (value > 0.0)
        self._active[active] = seen.now
        woken = np.where(active & (scaled == 0), max(self._fewest, 1), scaled)
        if self._fewest > 0:
            return woken
        idle = known & ~active & (seen.now > self._active + COOLDOWN)
        return np.where(idle, 0, woken)
