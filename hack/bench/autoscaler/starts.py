"""Replicas that were asked for and are not ready yet, for many deployments at once."""

import numpy as np

from hack.bench.autoscaler.arrays import IntArray

NEVER = np.iinfo(np.int64).max


class Starts:
    """When each starting replica of each lane gets ready, in the order they were asked for."""

    def __init__(self, lanes: int, room: int) -> None:
        self.count = np.zeros(lanes, np.int64)
        self._due = np.full((lanes, room), NEVER)
        self._next = np.full(lanes, NEVER)

    def begin(self, lanes: IntArray, numbers: IntArray, due: IntArray) -> None:
        """Lane ``lanes[i]`` starts ``numbers[i]`` replicas; ``due`` holds all their seconds."""
        owner = np.repeat(lanes, numbers)
        first = np.repeat(np.cumsum(numbers) - numbers, numbers)
        place = np.repeat(self.count[lanes], numbers) + np.arange(len(owner)) - first
        if len(place) and place.max() >= self._due.shape[1]:
            wider = np.full((len(self._due), 2 * int(place.max())), NEVER)
            wider[:, : self._due.shape[1]] = self._due
            self._due = wider
        self._due[owner, place] = due
        np.minimum.at(self._next, owner, due)
        self.count[lanes] += numbers

    def ready(self, now: int) -> tuple[IntArray, IntArray]:
        """The lanes in which replicas get ready at ``now``, and how many in each."""
        lanes = np.flatnonzero(self._next <= now)
        if not len(lanes):
            return lanes, lanes
        due = self._due[lanes]
        come = due <= now
        due[come] = NEVER
        self._due[lanes] = np.take_along_axis(
            due, np.argsort(due == NEVER, axis=1, kind="stable"), axis=1
        )
        self._next[lanes] = due.min(axis=1)
        number = come.sum(axis=1)
        self.count[lanes] -= number
        return lanes, number

    def cancel(self, lanes: IntArray, numbers: IntArray) -> IntArray:
        """Give up as many of the youngest starts as there are; returns how many of each lane."""
        given_up = np.minimum(numbers, self.count[lanes])
        self.count[lanes] -= given_up
        due = self._due[lanes]
        due[np.arange(due.shape[1]) >= self.count[lanes][:, None]] = NEVER
        self._due[lanes] = due
        self._next[lanes] = due.min(axis=1)
        return given_up

    def delay(self, lanes: IntArray, until: int) -> None:
        """Nothing that is starting in these lanes gets ready before ``until``."""
        due = self._due[lanes]
        due = np.where(due < NEVER, np.maximum(due, until), NEVER)
        self._due[lanes] = due
        self._next[lanes] = due.min(axis=1)
