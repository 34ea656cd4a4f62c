"""Many horizontal pod autoscalers at once: the arithmetic of ``hpa.py`` on arrays.

The scalar model is the one that is held against the real controller; a test holds this one
against the scalar model. ``spec.behavior`` is absent, as in an HPA that nobody tuned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting

TOLERANCE = 0.1
HELD = 300
"""Seconds for which a recommendation keeps the number from falling below it."""
ROOM = 1e9


Ratio = Callable[[IntArray, IntArray], FloatArray]
"""How far above its target a total in thousandths is, shared by so many pods."""


@dataclass(frozen=True, eq=False)
class Pods:
    """The pods of each lane as a metric with a value per pod sees them; arrays are (lanes,)."""

    total: IntArray
    """Thousandths, over the pods that are ready and have a value."""
    valued: IntArray
    """How many these are."""
    missing: IntArray
    """Ready ones without a value."""
    unready: IntArray

    @staticmethod
    def of(seen: Seen, total: FloatArray) -> "Pods":
        """The pods of a view, whose values sum up to ``total`` over those that reported."""
        valued = np.rint(seen.ready * seen.reporting).astype(np.int64)
        thousandths = np.rint(total * 1000.0).astype(np.int64)
        return Pods(thousandths, valued, seen.ready - valued, seen.starting)


def by_pods(ratio: Ratio, fill: IntArray, pods: Pods, current: IntArray) -> IntArray:
    """Replicas for a metric with a value per pod.

    Where more are wanted, unready pods and those without a value count as 0; where fewer are, the
    latter count as ``fill`` thousandths; what turns the direction round changes nothing.
    """
    plain = ratio(pods.total, np.maximum(pods.valued, 1))
    simple = np.where(_within(plain), current, _ceil(plain * pods.valued))
    rising = (pods.unready > 0) & (plain > 1.0)
    total = pods.total + np.where(plain < 1.0, fill * pods.missing, 0)
    count = pods.valued + np.where(plain == 1.0, 0, pods.missing)
    count = np.maximum(count + np.where(rising, pods.unready, 0), 1)
    filled = ratio(total, count)
    asked = _ceil(filled * count)
    turned = ((plain < 1.0) & (filled > 1.0)) | ((plain > 1.0) & (filled < 1.0))
    turned |= np.where(filled < 1.0, asked > current, asked < current)
    careful = np.where(_within(filled) | turned, current, asked)
    return np.where(rising | (pods.missing > 0), careful, simple)


def by_total(total: FloatArray, target: FloatArray, pods: IntArray) -> IntArray:
    """Replicas for a total of which each pod shall have ``target``; surge pods count as pods."""
    usage, goal = milli(total), milli(target)
    share = usage / (goal * np.maximum(pods, 1))
    return np.where((pods > 0) & _within(share), pods, _ceil(usage / goal))


def milli(value: FloatArray) -> IntArray:
    """Thousandths, rounded up as a Quantity is; a float's own error is no thousandth."""
    return np.ceil(np.round(value * 1000.0, 6)).astype(np.int64)


def _within(ratio: FloatArray) -> BoolArray:
    within: BoolArray = (ratio >= 1.0 - TOLERANCE) & (ratio <= 1.0 + TOLERANCE)
    return within


def _ceil(value: FloatArray) -> IntArray:
    return np.ceil(np.minimum(value, ROOM)).astype(np.int64)


class Limits:
    """What happens to a recommendation before it becomes a number of replicas."""

    def __init__(self, lanes: int, fewest: int, most: int) -> None:
        self._fewest, self._most = fewest, most
        self._recent = np.full((HELD // SCRAPE + 1, lanes), -1, np.int64)
        self._looks = 0

    def apply(self, current: IntArray, wanted: IntArray, known: BoolArray) -> IntArray:
        """The number to write; where nothing is known, the current one."""
        place = self._looks % len(self._recent)
        beyond = (current > self._most) | (current < self._fewest)
        self._recent[place] = np.where(known & ~beyond, wanted, -1)
        if self._looks == 0:
            self._recent[0] = np.maximum(self._recent[0], current)
        self._looks += 1
        held = self._recent.max(axis=0)
        ceiling = np.minimum(np.maximum(2 * current, 4), self._most)
        stable = np.clip(held, self._fewest, ceiling)
        stable = np.where(known, stable, current)
        return np.where(beyond, np.clip(current, self._fewest, self._most), stable)


class ByUsage:
    """HPA on the busy share of the slots, as on CPU utilisation: the setting is its target."""

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting) -> None:
        self._percent = np.array([round(100.0 * lane.setting) for lane in lanes])
        self._limits = Limits(len(lanes), 1, setting.most)

    def decide(self, seen: Seen) -> IntArray:
        """One look of each."""
        value = seen.usage
        known = ~np.isnan(value) & ~seen.failed
        pods = Pods.of(seen, np.where(known, value, 0.0) * np.rint(seen.ready * seen.reporting))
        wanted = by_pods(self._ratio, np.full(len(value), 1000), pods, seen.desired)
        return self._limits.apply(seen.desired, wanted, known & (pods.valued > 0))

    def _ratio(self, total: IntArray, pods: IntArray) -> FloatArray:
        """Of a whole percentage, as the controller has it."""
        ratio: FloatArray = total * 100 // (pods * 1000) / self._percent
        return ratio


class ByConcurrency:
    """HPA on requests per pod, waiting ones too: the setting is the target's share of the slots."""

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting) -> None:
        target = setting.service.slots * np.array([lane.setting for lane in lanes])
        self._goal = milli(target)
        self._limits = Limits(len(lanes), 1, setting.most)

    def decide(self, seen: Seen) -> IntArray:
        """One look of each."""
        value = seen.concurrency
        known = ~np.isnan(value) & ~seen.failed
        pods = Pods.of(seen, np.where(known, value, 0.0))
        wanted = by_pods(self._ratio, self._goal, pods, seen.desired)
        return self._limits.apply(seen.desired, wanted, known & (pods.valued > 0))

    def _ratio(self, total: IntArray, pods: IntArray) -> FloatArray:
        ratio: FloatArray = total // pods / self._goal
        return ratio
