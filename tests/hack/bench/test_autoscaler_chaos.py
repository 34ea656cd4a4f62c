"""Faults do what they are called, at their time, to the lanes that they are for."""

import numpy as np
import pytest

from hack.bench.autoscaler import chaos
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.chaos import Chaos, Fault
from hack.bench.autoscaler.play import Group
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting, World

ALL = slice(0, 2)
BEGIN = chaos.FIRST - 600


def two_lanes(fault: Fault, rate: int = 40) -> World:
    """One that the fault befalls beside one that it does not; 10 replicas each."""
    counts = np.full((1, chaos.FIRST + 8000), rate)
    lanes = [Lane("", 0.0, 60.0, 0, name) for name in (fault.name, "")]
    world = World(Setting(Service(), counts, BEGIN, 50), lanes)
    world.desired[:] = world.ready[:] = 10
    return world


class Keeps:
    every = SCRAPE

    def __init__(self, number: int = 10) -> None:
        self.number = number

    def decide(self, seen: Seen) -> IntArray:
        return np.full(len(seen.desired), self.number)


def at(fault: Fault, after: int) -> tuple[World, Seen]:
    """The world and what is seen so many seconds after the fault came."""
    world = two_lanes(fault)
    troubles = Chaos(world)
    while world.now < chaos.FIRST + after:
        world.step()
    return world, troubles.look(world, ALL)


VIEWS = [
    pytest.param(chaos.AWAY, 299, [np.nan, 40.0], [True, False], [0.0, 1.0], id="away"),
    pytest.param(chaos.AWAY, 300, [40.0, 40.0], [False, False], [1.0, 1.0], id="back"),
    pytest.param(chaos.LONG, 1799, [np.nan, 40.0], [True, False], [0.0, 1.0], id="long away"),
    pytest.param(chaos.ZEROS, 0, [0.0, 40.0], [False, False], [0.0, 1.0], id="zeros"),
    pytest.param(chaos.NANS, 599, [np.nan, 40.0], [False, False], [0.0, 1.0], id="NaN"),
    pytest.param(chaos.HALF, 10, [20.0, 40.0], [False, False], [0.5, 1.0], id="half"),
    pytest.param(chaos.ROLLOUT, 10, [40.0, 40.0], [False, False], [1.0, 1.0], id="not blind"),
]


@pytest.mark.parametrize(("fault", "after", "rate", "failed", "reporting"), VIEWS)
def test_what_is_seen(
    fault: Fault, after: int, rate: list[float], failed: list[bool], reporting: list[float]
) -> None:
    _, seen = at(fault, after)
    assert seen.rate(60) == pytest.approx(rate, nan_ok=True)
    assert seen.failed.tolist() == failed
    assert seen.reporting.tolist() == reporting


def test_half_of_the_pods_tell_the_mean_of_all() -> None:
    _, seen = at(chaos.HALF, 100)
    assert seen.usage[0] == seen.usage[1]
    assert seen.concurrency[0] == 0.5 * seen.concurrency[1]


def test_a_rolling_update_replaces_every_replica_and_never_has_fewer_than_asked_for() -> None:
    world = two_lanes(chaos.ROLLOUT)
    troubles, most, started = Chaos(world), 0, 0
    while world.now < chaos.FIRST + 1500:
        troubles.watch(world)
        before = world.starts.count[0]
        world.step()
        assert world.ready[0] >= 10
        most = max(most, int(world.ready[0] + world.starts.count[0]))
        started += max(int(world.starts.count[0] - before), 0)
    assert most == 13
    assert world.ready.tolist() == [10, 10]
    assert world.billed[0] > world.billed[1]


def test_nothing_starts_while_there_is_no_room() -> None:
    world = two_lanes(chaos.PENDING)
    troubles = Chaos(world)
    while world.now < chaos.FIRST + chaos.PENDING.seconds:
        troubles.watch(world)
        if world.now >= chaos.FIRST and world.now % SCRAPE == 0:
            world.scale(ALL, np.array([20, 20]))
        world.step()
    assert world.ready.tolist() == [10, 20]
    assert world.billed[0] == world.billed[1]
    world.step()
    assert world.ready.tolist() == [20, 20]


def test_another_writer_puts_replicas_back() -> None:
    world = two_lanes(chaos.RESET)
    until = chaos.FIRST + chaos.RESET.seconds
    grows = Group(Keeps(12), ALL)
    troubles = Chaos(world)
    while world.now < until:
        troubles.watch(world)
        if world.now > chaos.FIRST and world.now % SCRAPE == 0:
            found = world.desired.tolist()
            assert found == ([10, 12] if (world.now - chaos.FIRST) % 180 == 0 else found)
            world.scale(ALL, grows.policy.decide(Seen(world, ALL)))
        world.step()


def test_going_down_is_counted_while_what_is_seen_is_missing() -> None:
    world = two_lanes(chaos.AWAY)
    troubles = Chaos(world)
    for after in (-15, 0, 285, 300):
        world.now = chaos.FIRST + after
        troubles.decided(world, ALL, np.array([9, 9]))
        troubles.decided(world, ALL, np.array([10, 12]))
    assert troubles.blind_decreases.tolist() == [2, 0]
