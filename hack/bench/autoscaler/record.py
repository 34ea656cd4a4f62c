"""What became of each lane, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.waits import BINS, histogram, waits
from hack.bench.autoscaler.world import Lane, World

BLOCK = 600
"""Seconds of the blocks whose worst is told."""
MINUTE = 60


@dataclass(frozen=True, eq=False)
class Outcome:
    """All lanes of a simulation; arrays are (lanes, days) unless said otherwise."""

    lanes: Sequence[Lane]
    slot_seconds: int
    """What one replica can give in a second, in seconds of requests."""
    request_seconds: int
    """How long a request takes when it has its slot."""
    requests: IntArray
    met: IntArray
    """Those that did not wait longer than allowed."""
    billed: IntArray
    """Replica-seconds."""
    waits: IntArray
    """Requests by wait (lanes, days, ``BINS``)."""
    changes: IntArray
    """How often the number of replicas was changed."""
    reversals: IntArray
    """Increases that were followed by a decrease."""
    late: IntArray
    """Requests that waited too long, by when they arrived (lanes, ``BLOCK`` s)."""
    arrived: IntArray
    """Requests by when they arrived (seeds, ``BLOCK`` s)."""
    desired: IntArray
    """Replicas asked for (lanes, minutes)."""


class Recorder:
    """Watches a world for whole days, or for one period that is shorter."""

    def __init__(self, world: World, until: int, day: int) -> None:
        self._world, self._first, self._until, self._day = world, world.now, until, day
        self._days = -(-(until - world.now) // day)
        shape = (len(world.lanes), self._days)
        self._requests, self._met, self._billed, self._changes, self._reversals = (
            np.zeros(shape, np.int64) for _ in range(5)
        )
        self._waits = np.zeros((*shape, len(BINS)), np.int64)
        blocks = -(-(until - world.now) // BLOCK)
        self._late = np.zeros((len(world.lanes), blocks), np.int64)
        self._desired: list[IntArray] = []
        self._before = world.desired.copy()
        self._rising = np.zeros(len(world.lanes), np.bool_)
        self._settled = np.array(world.total[world.now][world.seed] - world.queue)
        self._started = np.zeros((day + 1, len(world.lanes)), np.int32)
        self._paid = world.billed.copy()

    def second(self) -> None:
        """Take down the second that the world has just lived through."""
        world = self._world
        since = world.now - 1 - self._first
        day, place = divmod(since, self._day)
        self._started[place] = world.started
        if not np.array_equal(world.desired, self._before):
            up, down = world.desired > self._before, world.desired < self._before
            self._changes[:, day] += up | down
            self._reversals[:, day] += down & self._rising
            self._rising = (self._rising | up) & ~down
            self._before = world.desired.copy()
        if since % MINUTE == 0:
            self._desired.append(world.desired.astype(np.int16))
        if place == self._day - 1 or world.now == self._until:
            self._close(day, place + 1)

    def _close(self, day: int, seconds: int) -> None:
        world = self._world
        self._billed[:, day] = world.billed - self._paid
        self._paid = world.billed.copy()
        first = self._first + day * self._day
        for lane, seed in enumerate(world.seed):
            started = np.zeros(seconds + 1, np.int64)
            np.cumsum(self._started[:seconds, lane], out=started[1:])
            started += self._settled[lane]
            self._settled[lane] = started[-1]
            if world.now == self._until:  # what still waits would have been served next
                started = np.append(started, world.total[world.now, seed])
            self._take(lane, day, first, started)

    def _take(self, lane: int, day: int, first: int, started: IntArray) -> None:
        world = self._world
        size, arrival, wait, _ = waits(world.total[:, world.seed[lane]], started, first)
        self._requests[lane, day] = size.sum()
        late = wait > world.setting.service.allowed
        self._met[lane, day] = size[~late].sum()
        self._waits[lane, day] = histogram(size, wait)
        block = (arrival[late] - self._first) // BLOCK
        inside = block >= 0
        np.add.at(self._late[lane], block[inside], size[late][inside])

    def outcome(self) -> Outcome:
        """All that was seen; the world must have reached the end."""
        world, service = self._world, self._world.setting.service
        edges = np.append(np.arange(self._first, self._until, BLOCK), self._until)
        return Outcome(
            lanes=world.lanes,
            slot_seconds=service.slots,
            request_seconds=service.seconds,
            requests=self._requests,
            met=self._met,
            billed=self._billed,
            waits=self._waits,
            changes=self._changes,
            reversals=self._reversals,
            late=self._late,
            arrived=np.diff(world.total[edges], axis=0).T,
            desired=np.stack(self._desired, axis=1).astype(np.int64),
        )
