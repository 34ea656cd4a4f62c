"""What was promised of our judge, beside what it reached."""

import math
from dataclasses import dataclass

from controllers.modelcanary.blocks import lag
from hack.bench.canary.cells import DEFAULT, EVERY, SHARP, Cell
from hack.bench.canary.measures import quantile, share
from hack.bench.canary.ours import settling
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.study import Study
from hack.bench.canary.tables import minutes, percent, table

ALPHA = 0.05


@dataclass(frozen=True)
class Target:
    """One promise at alpha 0.05, 50 requests per second, 0.5 % errors and one guardrail."""

    what: str
    limit: float
    reached: float
    in_minutes: bool = True
    clock: float | None = None
    """The same with the blocks that are dropped after a weight moved and the wait for scrapes."""
    fast: float | None = None
    """The clock with scrapes every 5 seconds."""

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.reached <= self.limit

    @property
    def row(self) -> list[str]:
        """The line of the table."""
        show = minutes if self.in_minutes else percent
        aside = ["" if one is None else show(one) for one in (self.clock, self.fast)]
        met = "yes" if self.met else "NO"
        return [self.what, show(self.limit), show(self.reached), met, *aside]


def targets(study: Study) -> list[Target]:
    """Every promise of the issue, in its order."""
    name, sharp = DEFAULT.name(ALPHA), SHARP.name(ALPHA)
    found = [_false(cell) for cell in study.nulls]
    found += [
        _detection(study, "2x, tolerance 1.0", 9.0, 2.0, sharp),
        _detection(study, "2x, tolerance 1.1", 11.0, 2.0, name),
        _detection(study, "5x, tolerance 1.1", 1.5, 5.0, name),
    ]
    found += [
        Target(f"5x {when}, tolerance 1.1", 3.5, quantile(cell.delay(name), 0.5))
        for when, cell in study.late.items()
    ]
    slower = next(one for one in study.latency if one.fault.name == "+10 %")
    when = quantile(slower.found["ours, alpha 0.05, tolerance 1.0"], 0.5)
    ten = judged(study.fault(2.0).ramp, when)
    return [*found, Target("latency +10 %, tolerance 1.0", 9.0, ten, clock=when)]


def _false(cell: Cell) -> Target:
    """The upper bound of the worst of our four settings."""
    worst = max(share(cell.found[limits.name(ALPHA)]).upper for limits in EVERY)
    what = f"false rollbacks, {cell.setting.world.name}, 95 % upper bound"
    return Target(what, ALPHA, worst, in_minutes=False)


def _detection(study: Study, what: str, limit: float, ratio: float, judge: str) -> Target:
    cell, fast = study.fault(ratio), next(c for c in study.fast if c.setting.ratio == ratio)
    when, soon = (quantile(one.found[judge], 0.5) for one in (cell, fast))
    return Target(what, limit, judged(cell.ramp, when), clock=when, fast=soon)


def judged(ramp: Ramp, when: float) -> float:
    """How many of these minutes are in blocks that count as evidence."""
    if math.isinf(when):
        return when
    blocks = round((when * 60.0 + ramp.offset - lag(ramp.analysis)) / ramp.tick)
    dropped = sum(min(settling(ramp), max(blocks - change, 0)) for change in ramp.changes)
    return (blocks - dropped) * ramp.tick / 60.0


def show(found: list[Target]) -> str:
    """The targets as a table."""
    header = ["target", "at most", "reached", "met", "on the clock", "with 5 s scrapes"]
    return table(header, [target.row for target in found])
