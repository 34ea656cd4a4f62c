"""The best settings of the others, chosen after the fact on the very runs they are shown on."""

from collections.abc import Sequence
from dataclasses import dataclass

from hack.bench.canary.cells import Cell
from hack.bench.canary.measures import share
from hack.bench.canary.rules import Rule

MOST_FALSE, LEAST_FOUND = 0.05, 0.95


@dataclass(frozen=True)
class Best:
    """Two settings of one family."""

    family: str
    tried: int
    quiet: Rule
    """Finds 2x most often of those that roll back at most 5 % in every null world."""
    sharp: Rule
    """Rolls back the fewest good releases of those that find 2x in at least 95 %."""
    frontier_false: float
    """The worst null world of ``sharp``."""


def best(family: str, rules: Sequence[Rule], nulls: Sequence[Cell], twice: Cell) -> Best:
    """The two settings; where none fulfils its condition, the one that comes closest."""
    worst = {rule.name: max(share(cell.found[rule.name]).value for cell in nulls) for rule in rules}
    power = {rule.name: share(twice.found[rule.name]).value for rule in rules}
    cost = {rule.name: twice.harm(rule.name) for rule in rules}
    quiet = min(
        rules,
        key=lambda rule: (max(worst[rule.name], MOST_FALSE), -power[rule.name], cost[rule.name]),
    )
    sharp = min(
        rules,
        key=lambda rule: (-min(power[rule.name], LEAST_FOUND), worst[rule.name], cost[rule.name]),
    )
    return Best(family, len(rules), quiet, sharp, worst[sharp.name])
