"""What every autoscaler here is: a rule that looks now and then and says a number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting


class Policy(Protocol):
    """The autoscalers of some lanes, all of one kind; they may remember what they like."""

    every: int
    """Seconds between two looks."""

    def decide(self, seen: Seen) -> IntArray:
        """How many replicas each lane shall have."""


Maker = Callable[[Sequence[Lane], Setting], Policy]


@dataclass(frozen=True)
class Family:
    """One kind of autoscaler, as it comes and with the settings tried in hindsight."""

    name: str
    make: Maker
    stock: tuple[float, ...]
    swept: tuple[float, ...] = ()

    @property
    def settings(self) -> tuple[float, ...]:
        """All settings, each once."""
        return tuple(sorted({*self.stock, *self.swept}))


class Static:
    """Always the same number: the setting of each lane."""

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], _setting: Setting) -> None:
        self._number = np.array([lane.setting for lane in lanes], np.int64)

    def decide(self, _seen: Seen) -> IntArray:
        """The number."""
        return self._number
