"""Simulations: lanes, the policies that scale them, and the record of what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.policy import Family, Policy
from hack.bench.autoscaler.record import Outcome, Recorder
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import Lane, Setting, World


class Troubles(Protocol):
    """What goes wrong in a world."""

    def watch(self, world: World) -> None:
        """Called every second before anybody looks."""

    def look(self, world: World, lanes: slice) -> Seen:
        """What the policy of these lanes sees."""

    def decided(self, world: World, lanes: slice, wanted: IntArray) -> None:
        """Told of every decision before it is carried out."""


class Peace:
    """Nothing goes wrong."""

    def watch(self, world: World) -> None:
        """Nothing to do."""

    def look(self, world: World, lanes: slice) -> Seen:
        """The truth, as old as the newest scrape."""
        return Seen(world, lanes)

    def decided(self, world: World, lanes: slice, wanted: IntArray) -> None:
        """Nothing to take down."""


@dataclass(frozen=True)
class Group:
    """The lanes that one family scales, side by side in the world."""

    policy: Policy
    lanes: slice


def lanes_of(
    families: Sequence[Family], startups: Sequence[float], seeds: int, faults: Sequence[str] = ("",)
) -> list[Lane]:
    """Every family in all its settings, with each start-up time, seed and fault."""
    return [
        Lane(family.name, setting, startup, seed, fault)
        for family in families
        for setting in family.settings
        for startup in startups
        for seed in range(seeds)
        for fault in faults
    ]


def groups(families: Sequence[Family], lanes: Sequence[Lane], setting: Setting) -> list[Group]:
    """One group for each family, in the order of the lanes."""
    found, first = [], 0
    for family in families:
        mine = [lane for lane in lanes if lane.family == family.name]
        found.append(Group(family.make(mine, setting), slice(first, first + len(mine))))
        first += len(mine)
    return found


def play(
    world: World,
    policies: Sequence[Group],
    warm: int,
    until: int,
    day: int,
    troubles: Troubles | None = None,
) -> Outcome:
    """Run the world until second ``until``; recorded is what happens from second ``warm`` on.

    Raises ValueError if that is not within the simulation.
    """
    if not world.now <= warm < until:
        raise ValueError(f"recording from second {warm} on: not within {world.now} to {until}")
    troubles = troubles or Peace()
    _live(world, policies, warm, troubles)
    recorder = Recorder(world, until, day)
    _live(world, policies, until, troubles, recorder)
    return recorder.outcome()


def _live(
    world: World,
    policies: Sequence[Group],
    until: int,
    troubles: Troubles,
    recorder: Recorder | None = None,
) -> None:
    while world.now < until:
        troubles.watch(world)
        for group in policies:
            if world.now % group.policy.every == 0:
                wanted = group.policy.decide(troubles.look(world, group.lanes))
                troubles.decided(world, group.lanes, wanted)
                world.scale(group.lanes, wanted)
        world.step()
        if recorder is not None:
            recorder.second()
