"""What a policy reached with one setting in one cell, over all days and seeds or some of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.record import Outcome
from hack.bench.autoscaler.waits import quantile

FEW = 50
"""Reversals a day beyond which a policy is no example to follow."""


@dataclass(frozen=True, eq=False)
class Run:
    """One family in one setting in one cell; arrays are (seeds, days), or said otherwise."""

    family: str
    setting: float
    slots: int
    seconds: int
    requests: IntArray
    met: IntArray
    billed: IntArray
    waits: IntArray
    """(seeds, days, bins)."""
    changes: IntArray
    reversals: IntArray
    worst: float
    """The least share of the requests of one block of any seed that did not wait too long."""
    desired: IntArray
    """(seeds, minutes)."""

    def score(self, weights: IntArray | None = None) -> "Score":
        """What was reached; ``weights`` (seeds, days) say how often each day counts."""
        if weights is None:
            weights = np.ones(self.requests.shape, np.int64)
        requests = int((weights * self.requests).sum())
        billed = int((weights * self.billed).sum())
        return Score(
            attained=float((weights * self.met).sum() / requests),
            billed=float(billed),
            utilisation=requests * self.seconds / (self.slots * billed),
            waits=np.tensordot(weights, self.waits, axes=2),
            reversals=float((weights * self.reversals).sum() / weights.sum()),
            changes=float((weights * self.changes).sum() / weights.sum()),
        )


@dataclass(frozen=True, eq=False)
class Score:
    """The numbers of one run."""

    attained: float
    """Share of the requests that did not wait longer than allowed."""
    billed: float
    """Replica-seconds."""
    utilisation: float
    """Share of the slots that were paid for in which there was a request."""
    waits: IntArray
    reversals: float
    """A day."""
    changes: float
    """A day."""

    def wait(self, level: float) -> float:
        """A quantile of the wait in seconds."""
        return quantile(self.waits, level)


def runs(outcome: Outcome, startup: float, fault: str = "") -> list[Run]:
    """Every family and setting of one start-up time, its seeds put together."""
    chosen: dict[tuple[str, float], list[int]] = {}
    for place, lane in enumerate(outcome.lanes):
        if lane.startup == startup and lane.fault == fault:
            chosen.setdefault((lane.family, lane.setting), []).append(place)
    found = []
    for (family, setting), index in chosen.items():
        seeds = [outcome.lanes[one].seed for one in index]
        late = outcome.late[index] / np.maximum(outcome.arrived[seeds], 1)
        found.append(
            Run(
                family,
                setting,
                outcome.slot_seconds,
                outcome.request_seconds,
                outcome.requests[index],
                outcome.met[index],
                outcome.billed[index],
                outcome.waits[index],
                outcome.changes[index],
                outcome.reversals[index],
                1.0 - float(late.max()),
                outcome.desired[index],
            )
        )
    return found


def of(found: Iterable[Run], family: str) -> list[Run]:
    """The runs of one family, in the order of their settings."""
    return sorted((run for run in found if run.family == family), key=lambda run: run.setting)


@dataclass(frozen=True, eq=False)
class Front:
    """What a family can do at best over its settings: no other of them is cheaper and better."""

    attained: FloatArray
    """Ascending."""
    billed: FloatArray
    """Ascending."""

    @staticmethod
    def of(scores: Iterable[Score]) -> "Front":
        """The best of these."""
        points = sorted((one.billed, -one.attained) for one in scores)
        kept: list[tuple[float, float]] = []
        for billed, minus in points:
            if not kept or -minus > kept[-1][0]:
                kept.append((-minus, billed))
        array = np.array(kept, np.float64).reshape(-1, 2)
        return Front(array[:, 0], array[:, 1])

    def cost(self, attained: float) -> float:
        """Replica-seconds at this attainment, between two settings as a straight line.

        The line is over the logarithm of the share that is missed; inf beyond the best setting.
        """
        if not len(self.attained) or attained > self.attained[-1]:
            return float("inf")
        return float(np.interp(-_missed(attained), -_missed(self.attained), self.billed))


def _missed(attained: FloatArray | float) -> FloatArray:
    missed: FloatArray = np.log(np.maximum(1.0 - np.asarray(attained, np.float64), 1e-7))
    return missed


def wait_at(scores: Iterable[Score], billed: float, level: float) -> float:
    """A family's wait quantile at this cost, between the settings on either side of it.

    Beyond its dearest or cheapest setting: that one's.
    """
    points = sorted((one.billed, one.wait(level)) for one in scores)
    return float(np.interp(billed, [one[0] for one in points], [one[1] for one in points]))


def day_blocks(shape: tuple[int, int], number: int, seed: int) -> IntArray:
    """Weights (number, seeds, days) that draw days and seeds anew, with replacement."""
    draw = np.random.default_rng([seed, 11])
    seeds, days = (
        draw.multinomial(count, np.full(count, 1.0 / count), size=number) for count in shape
    )
    weights: IntArray = seeds[:, :, None] * days[:, None, :]
    return weights
