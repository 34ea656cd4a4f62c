"""What was promised of our judge, beside what it reached."""

from dataclasses import dataclass

from hack.bench.canary.cells import DEFAULT, EVERY, SHARP, Cell
from hack.bench.canary.measures import quantile, share
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
    fast: float | None = None
    """The same with scrapes every 5 seconds; for comparison only."""

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.reached <= self.limit

    @property
    def row(self) -> list[str]:
        """The line of the table."""
        show = minutes if self.in_minutes else percent
        fast = "" if self.fast is None else show(self.fast)
        return [self.what, show(self.limit), show(self.reached), fast, "yes" if self.met else "NO"]


def targets(study: Study) -> list[Target]:
    """Every promise of the issue, in its order."""
    name, sharp = DEFAULT.name(ALPHA), SHARP.name(ALPHA)
    fast = {cell.setting.ratio: cell for cell in study.fast}
    twice, five = study.fault(2.0), study.fault(5.0)
    found = [_false(cell) for cell in study.nulls]
    found += [
        Target("2x, tolerance 1.0", 9.0, _median(twice, sharp), fast=_median(fast[2.0], sharp)),
        Target("2x, tolerance 1.1", 11.0, _median(twice, name), fast=_median(fast[2.0], name)),
        Target("5x, tolerance 1.1", 1.5, _median(five, name), fast=_median(fast[5.0], name)),
    ]
    found += [
        Target(f"5x {when}, tolerance 1.1", 3.5, quantile(cell.delay(name), 0.5))
        for when, cell in study.late.items()
    ]
    slower = next(one for one in study.latency if one.fault.name == "+10 %")
    ten = quantile(slower.found["ours, alpha 0.05, tolerance 1.0"], 0.5)
    return [*found, Target("latency +10 %, tolerance 1.0", 9.0, ten)]


def _false(cell: Cell) -> Target:
    """The upper bound of the worst of our four settings."""
    worst = max(share(cell.found[limits.name(ALPHA)]).upper for limits in EVERY)
    what = f"false rollbacks, {cell.setting.world.name}, 95 % upper bound"
    return Target(what, ALPHA, worst, in_minutes=False)


def _median(cell: Cell, judge: str) -> float:
    return quantile(cell.found[judge], 0.5)


def show(found: list[Target]) -> str:
    """The targets as a table."""
    header = ["target", "at most", "reached", "with 5 s scrapes", "met"]
    return table(header, [target.row for target in found])
