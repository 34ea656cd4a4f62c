"""Ours beside the others in one cell, with the days as they were or drawn anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.families import OURS, RIVALS, STATIC
from hack.bench.autoscaler.measures import FEW, Front, Score, wait_at
from hack.bench.autoscaler.study import Cell

LEVEL = 0.99
"""The quantile of the wait that is compared."""


@dataclass(frozen=True, eq=False)
class Compared:
    """The scores of one cell, with weights (seeds, days) or without."""

    cell: Cell
    weights: IntArray | None = None

    @cached_property
    def scores(self) -> dict[tuple[str, float], Score]:
        """By family and setting."""
        return {(run.family, run.setting): run.score(self.weights) for run in self.cell.runs}

    def of(self, family: str) -> list[Score]:
        """One family in all its settings."""
        return [score for (name, _), score in self.scores.items() if name == family]

    def ours(self, objective: float) -> Score:
        """Ours, told this objective."""
        return self.scores[OURS.name, objective]

    def static(self) -> Score:
        """The peak all the time."""
        return self.of(STATIC)[0]

    def front(self, family: str) -> Front:
        """The best of one family in hindsight, among its settings that keep reasonably still."""
        return Front.of(score for score in self.of(family) if score.reversals <= FEW)

    def cheapest(self, attained: float) -> tuple[float, str]:
        """The least that any rival pays for this attainment, and which one it is."""
        return min((self.front(family.name).cost(attained), family.name) for family in RIVALS)

    def saving(self, objective: float, family: str, setting: float) -> float | None:
        """Share of the replica-hours saved; None unless both meet the objective."""
        ours, other = self.ours(objective), self.scores[family, setting]
        if min(ours.attained, other.attained) < objective:
            return None
        return 1.0 - ours.billed / other.billed

    def saving_to_static(self, objective: float) -> float:
        """Share of the replica-hours saved against the peak all the time."""
        return 1.0 - self.ours(objective).billed / self.static().billed

    def dearer(self, objective: float) -> float:
        """Our cost over that of the best rival that attains as much as we do."""
        ours = self.ours(objective)
        return ours.billed / self.cheapest(ours.attained)[0]

    def dearer_at_objective(self, objective: float) -> float:
        """Our cost over that of the best rival tuned in hindsight to just the objective."""
        return self.ours(objective).billed / self.cheapest(objective)[0]

    def waits(self, objective: float) -> Iterable[tuple[str, float, float]]:
        """Rival, its wait at our cost, ours over it; where that rival waits longer than allowed."""
        ours = self.ours(objective)
        for family in RIVALS:
            scores = [one for one in self.of(family.name) if one.reversals <= FEW]
            wait = wait_at(scores, ours.billed, LEVEL) if scores else 0.0
            if wait > self.cell.allowed:
                yield family.name, wait, ours.wait(LEVEL) / wait
