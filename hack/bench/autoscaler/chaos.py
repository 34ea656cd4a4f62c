"""What goes wrong in the chaos runs: with what a policy sees, and with the cluster."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, World

EVERY, FIRST = 6 * 3600, 3 * 3600
"""Each fault comes four times a day, at 3, 9, 15 and 21 o'clock, whatever the load is then."""
SURGE = 0.25


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong for a time."""

    name: str
    seconds: int
    blind: bool
    """Whether what a policy sees is missing or false meanwhile, so that it must not go down."""

    def since(self, now: int) -> int:
        """Seconds since it came last; negative before its first time of the day."""
        return (now - FIRST) % EVERY

    def on(self, now: int) -> bool:
        """Whether it is there at this second."""
        return self.since(now) < self.seconds


AWAY = Fault("Prometheus away 5 min", 300, blind=True)
LONG = Fault("Prometheus away 30 min", 1800, blind=True)
ZEROS = Fault("zeros after its restart, 5 min", 300, blind=True)
NANS = Fault("NaN, 10 min", 600, blind=True)
HALF = Fault("half of the pods scraped, 10 min", 600, blind=True)
ROLLOUT = Fault("rolling update", 3600, blind=False)
PENDING = Fault("nothing starts for 30 min", 1800, blind=False)
RESET = Fault("replicas reset every 3 min, 1 h", 3600, blind=False)

FAULTS = (AWAY, LONG, ZEROS, NANS, HALF, ROLLOUT, PENDING, RESET)


class Chaos:
    """Brings the faults of the lanes about."""

    def __init__(self, world: World) -> None:
        self._names = np.array([lane.fault for lane in world.lanes])
        self._old = np.zeros(len(world.lanes), np.int64)
        """Ready replicas of the revision that is being replaced."""
        self._held = np.zeros(len(world.lanes), np.int64)
        """What the other writer sets replicas to."""
        self.blind_decreases = np.zeros(len(world.lanes), np.int64)
        """Replicas taken away, counted by decision, while what was seen was missing or false."""

    def lanes(self, fault: Fault) -> IntArray:
        """Those that it befalls."""
        return np.flatnonzero(self._names == fault.name)

    def watch(self, world: World) -> None:
        """What happens to the cluster at this second, before anybody looks."""
        if world.now % SCRAPE:
            return
        if PENDING.on(world.now):
            until = world.now - PENDING.since(world.now) + PENDING.seconds
            world.starts.delay(self.lanes(PENDING), until)
        self._reset(world)
        self._roll(world)

    def _reset(self, world: World) -> None:
        lanes, since = self.lanes(RESET), RESET.since(world.now)
        if since == 0:
            self._held[lanes] = world.desired[lanes]
        if RESET.on(world.now) and since and since % 180 == 0:
            for lane in lanes:
                world.scale(slice(lane, lane + 1), self._held[lane : lane + 1])

    def _roll(self, world: World) -> None:
        """Surge a quarter, never fewer than asked for: old ones go as new ones get ready."""
        lanes = self.lanes(ROLLOUT)
        if ROLLOUT.since(world.now) == 0:
            self._old[lanes] = world.ready[lanes]
        lanes = lanes[self._old[lanes] > 0]
        if not len(lanes):
            return
        old = np.minimum(self._old[lanes], world.ready[lanes])
        gone = np.clip(world.ready[lanes] - world.desired[lanes], 0, old)
        world.drain(lanes, gone)
        self._old[lanes] = old - gone
        surplus = world.ready[lanes] + world.starts.count[lanes] - world.desired[lanes]
        room = np.ceil(SURGE * world.desired[lanes]).astype(np.int64)
        world.begin_starts(lanes, np.maximum(np.minimum(old - gone, room) - surplus, 0))

    def look(self, world: World, lanes: slice) -> Seen:
        """The view with the faults in it."""
        return Troubled(world, lanes, self._names[lanes])

    def decided(self, world: World, lanes: slice, wanted: IntArray) -> None:
        """Take down who goes down without knowing."""
        blind = np.zeros(len(wanted), np.bool_)
        for fault in FAULTS:
            if fault.blind and fault.on(world.now):
                blind |= self._names[lanes] == fault.name
        self.blind_decreases[lanes] += blind & (wanted < world.desired[lanes])


class Troubled(Seen):
    """A view in which some numbers are missing or false."""

    def __init__(self, world: World, lanes: slice, names: npt.NDArray[np.str_]) -> None:
        super().__init__(world, lanes)
        self._names = names

    def _under(self, fault: Fault) -> BoolArray:
        under: BoolArray = (self._names == fault.name) & fault.on(self.now)
        return under

    def _falsified(self, value: FloatArray, *, of_pods: bool = False) -> FloatArray:
        """``of_pods``: a mean over those that were scraped, which half of them tell as well."""
        value = np.where(self.failed | self._under(NANS), np.nan, value)
        value = np.where(self._under(ZEROS), 0.0, value)
        return value if of_pods else np.where(self._under(HALF), 0.5 * value, value)

    def rate(self, window: int) -> FloatArray:
        return self._falsified(super().rate(window))

    @property
    def usage(self) -> FloatArray:
        return self._falsified(super().usage, of_pods=True)

    @property
    def concurrency(self) -> FloatArray:
        return self._falsified(super().concurrency)

    @property
    def backlog(self) -> FloatArray:
        return self._falsified(super().backlog)

    @property
    def met(self) -> FloatArray:
        return self._falsified(super().met, of_pods=True)

    @property
    def failed(self) -> BoolArray:
        return self._under(AWAY) | self._under(LONG)

    @property
    def reporting(self) -> FloatArray:
        silent = self.failed | self._under(NANS) | self._under(ZEROS)
        return np.where(silent, 0.0, np.where(self._under(HALF), 0.5, 1.0))
