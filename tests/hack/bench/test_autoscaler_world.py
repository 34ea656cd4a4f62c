"""The world is first come first served to the second, and loses no request."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hack.bench.autoscaler import waits
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.play import Group, groups, lanes_of, play
from hack.bench.autoscaler.policy import Family
from hack.bench.autoscaler.record import Outcome
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.starts import Starts
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting, World

TINY = Service(slots=3, seconds=4, allowed=2)


class Script:
    """Asks for one number after the other."""

    every = SCRAPE

    def __init__(self, numbers: list[int], lanes: int = 1) -> None:
        self.numbers, self.lanes, self.looks = numbers, lanes, 0

    def decide(self, _seen: Seen) -> IntArray:
        number = self.numbers[min(self.looks, len(self.numbers) - 1)]
        self.looks += 1
        return np.full(self.lanes, number)


def one_lane(counts: list[int], startup: float = 40.0, begin: int = 0) -> World:
    setting = Setting(TINY, np.array([counts]), begin, 50)
    return World(setting, [Lane("", 0.0, startup, 0)])


def lived(world: World, script: Script, until: int, day: int) -> Outcome:
    policies = [Group(script, slice(0, 1))]
    return play(world, policies, 0, until, day)


def one_by_one(counts: list[int], slots: int) -> list[int]:
    """The wait of every request, each on its own, with a fixed number of slots."""
    free, line, found = [0] * slots, deque[int](), []
    for second, count in enumerate(counts):
        line.extend([second] * count)
        while line and min(free) <= second:
            free[free.index(min(free))] = second + TINY.seconds
            found.append(second - line.popleft())
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=20, max_size=120), st.integers(1, 4))
def test_waits_are_those_of_requests_served_one_by_one(counts: list[int], number: int) -> None:
    world = one_lane(counts)
    world.desired[:] = world.ready[:] = number
    script = Script([number])
    outcome = lived(world, script, len(counts), 37)
    expected = one_by_one(counts, number * TINY.slots)
    histogram = waits.histogram(np.ones(len(expected), np.int64), np.array(expected, np.int64))
    found = outcome.waits.sum(axis=(0, 1))
    left = sum(counts) - len(expected)
    assert found.sum() == sum(counts)
    assert (found - histogram >= 0).all()
    assert (found - histogram).sum() == left
    assert sum(one <= TINY.allowed for one in expected) <= outcome.met.sum()
    if left == 0:
        assert outcome.met.sum() == sum(one <= TINY.allowed for one in expected)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=60, max_size=300),
    st.lists(st.integers(0, 6), min_size=1, max_size=20),
    st.sampled_from([1.0, 20.0, 90.0]),
)
def test_every_request_is_served_or_waits_whatever_is_scaled(
    counts: list[int], numbers: list[int], startup: float
) -> None:
    world, script, served = one_lane(counts, startup), Script(numbers), 0
    for second in range(len(counts)):
        if second % SCRAPE == 0:
            world.scale(slice(0, 1), script.decide(Seen(world, slice(0, 1))))
        assert world.ready[0] + world.starts.count[0] == world.desired[0]
        world.step()
        served += int(world.started[0])
        assert served + world.queue[0] == sum(counts[: second + 1])
        assert 0 <= world.busy[0] <= world.ready[0] * TINY.slots


def test_a_replica_is_billed_from_the_request_to_the_end_of_its_last_requests() -> None:
    world = one_lane([0] * 200, startup=40.0)
    assert lived(world, Script([1, 3, 1]), 200, 200).billed.sum() == 200 + 2 * 15
    world = one_lane([0] * 200, startup=3.0)
    assert lived(world, Script([1, 3, 1]), 200, 200).billed.sum() == 200 + 2 * (15 + TINY.seconds)


def test_starting_replicas_go_first_and_the_youngest_of_them() -> None:
    starts = Starts(2, 2)
    starts.begin(np.array([0, 1]), np.array([3, 1]), np.array([50, 20, 90, 10]))
    assert starts.cancel(np.array([0]), np.array([1])).tolist() == [1]
    ready = [(now, *map(list, starts.ready(now))) for now in range(100)]
    assert [one for one in ready if one[1]] == [(10, [1], [1]), (20, [0], [1]), (50, [0], [1])]
    assert starts.cancel(np.array([0]), np.array([2])).tolist() == [0]


def test_what_is_starting_can_be_held_up() -> None:
    starts = Starts(1, 2)
    starts.begin(np.array([0]), np.array([2]), np.array([5, 80]))
    starts.delay(np.array([0]), 30)
    assert [now for now in range(100) if len(starts.ready(now)[0])] == [30, 80]


def test_rates_are_as_old_as_the_newest_scrape_and_span_its_intervals() -> None:
    world = one_lane(list(range(200)))
    while world.now < 120:
        world.step()
    assert world.scrape.at == 112
    lanes = slice(0, 1)
    assert Seen(world, lanes).rate(60)[0] == pytest.approx(np.mean(range(112 - 45, 112)))
    assert Seen(world, lanes).rate(30)[0] == pytest.approx(np.mean(range(112 - 15, 112)))


def test_nobody_sees_the_future() -> None:
    """Two worlds that differ from second 300 on are scaled alike until then."""
    early = np.random.default_rng(1).poisson(4.0, 300).tolist()
    found = []
    for later in (0, 30):
        world = one_lane(early + [later] * 60, begin=120)
        setting, lane = world.setting, world.lanes
        family = Family("", _Follow, (0.0,))
        policies = groups([family], lane, setting)
        found.append(play(world, policies, 120, 300, 180).desired.tolist())
    assert found[0] == found[1]


class _Follow:
    every = SCRAPE

    def __init__(self, _lanes: object, setting: Setting) -> None:
        self.rate = setting.service.rate

    def decide(self, seen: Seen) -> IntArray:
        return np.ceil(seen.rate(30) / self.rate + seen.backlog).astype(np.int64)


def test_lanes_of_one_seed_meet_the_same_world() -> None:
    family = Family("follow", _Follow, (0.0, 1.0))
    setting = Setting(TINY, np.random.default_rng(2).poisson(4.0, (2, 400)), 120, 40)
    lanes = lanes_of([family], (20.0,), 2)
    world = World(setting, lanes)
    outcome = play(world, groups([family], lanes, setting), 120, 400, 280)
    assert [lane.seed for lane in lanes] == [0, 1, 0, 1]
    assert outcome.billed[0] == outcome.billed[2] != outcome.billed[1]
    assert outcome.desired[1].tolist() == outcome.desired[3].tolist()


def test_reversals_are_increases_that_a_decrease_follows() -> None:
    world = one_lane([0] * 150)
    outcome = lived(world, Script([1, 2, 3, 2, 1, 1, 4, 2, 5, 5]), 150, 150)
    assert outcome.reversals.sum() == 2
    assert outcome.changes.sum() == 7
    assert outcome.desired[0].tolist() == [1, 1, 5]


def test_quantiles_are_read_from_the_bins() -> None:
    counted = waits.histogram(np.array([90, 9, 1]), np.array([0, 7, 3000]))
    assert waits.quantile(counted, 0.5) == 0.0
    assert waits.quantile(counted, 0.95) == 7.0
    assert 2700 < waits.quantile(counted, 1.0) <= 3000
