"""Many Knative pod autoscalers at once, on concurrency."""

from collections.abc import Sequence

import numpy as np

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import Lane, Setting

TICK = 2
STABLE, PANIC = 60, 6
THRESHOLD = 2.0
UP, DOWN = 1000.0, 2.0


class Kpa:
    """The setting is the target's share of the slots; 0.70 is what Knative comes with."""

    every = TICK

    def __init__(self, lanes: Sequence[Lane], setting: Setting, delay: int = 0) -> None:
        self._target = setting.service.slots * np.array([lane.setting for lane in lanes])
        self._most = setting.most
        self._over = np.full(len(lanes), -np.inf)
        """When the panic threshold was passed last; -inf: no panic."""
        self._ratchet = np.zeros(len(lanes), np.int64)
        self._recent = np.zeros((max(delay // TICK, 1), len(lanes)), np.int64)
        self._looks = 0

    def decide(self, seen: Seen) -> IntArray:
        """One tick of each: stable over a minute, panic over six seconds."""
        ready = np.maximum(seen.ready, 1)
        if self._looks == 0:  # it begins in panic, so that a restart takes nothing away
            self._over[seen.ready > 1] = seen.now
            self._ratchet[seen.ready > 1] = seen.ready[seen.ready > 1]
        stable = np.ceil(seen.probed(STABLE) / self._target)
        panic = np.ceil(seen.probed(PANIC) / self._target)
        over = panic / ready >= THRESHOLD
        calm = ~over & (self._over + STABLE < seen.now)
        self._over[calm] = -np.inf
        self._ratchet[calm] = 0
        self._over[over] = seen.now
        floor, ceiling = np.floor(ready / DOWN), np.ceil(ready * UP)
        wanted = np.clip(stable, floor, ceiling).astype(np.int64)
        urgent = np.maximum(wanted, np.clip(panic, floor, ceiling).astype(np.int64))
        panicking = self._over > -np.inf
        self._ratchet = np.where(panicking, np.maximum(self._ratchet, urgent), self._ratchet)
        wanted = np.where(panicking, self._ratchet, wanted)
        self._recent[self._looks % len(self._recent)] = wanted
        self._looks += 1
        bounded: IntArray = np.clip(self._recent.max(axis=0), 1, self._most)
        return bounded
