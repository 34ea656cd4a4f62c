"""What was promised of our autoscaler, beside what it reached."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hack.bench.autoscaler.compare import Compared
from hack.bench.autoscaler.coverage import slow_start
from hack.bench.autoscaler.families import HPA_USAGE, OBJECTIVES, OURS
from hack.bench.autoscaler.measures import day_blocks, of
from hack.bench.autoscaler.study import Cell, Study
from hack.bench.autoscaler.traces import DAY
from hack.bench.autoscaler.world import SCRAPE
from hack.bench.canary.tables import table

DRAWS = 200
SLOW = 180.0
HOLD = 300.0

Statistic = Callable[[Sequence[Compared]], float]


@dataclass(frozen=True)
class Target:
    """One promise."""

    what: str
    promised: str
    reached: str
    met: bool


def targets(study: Study) -> list[Target]:
    """Every promise, in the order of its letter."""
    found: list[Target] = []
    for objective in OBJECTIVES:
        found += _costs(study, objective)
    found.append(_waits(study))
    found.append(_utilisation(study))
    return [*found, *_coverage(study), _blind(study), _still(study)]


def _costs(study: Study, objective: float) -> list[Target]:
    stock = HPA_USAGE.stock[0]

    def savings(cells: Sequence[Compared]) -> list[float]:
        every = (cell.saving(objective, HPA_USAGE.name, stock) for cell in cells)
        return [one for one in every if one is not None]

    def to_hpa(cells: Sequence[Compared]) -> float:
        return _median(savings(cells))

    def to_static(cells: Sequence[Compared]) -> float:
        return _median(cell.saving_to_static(objective) for cell in cells)

    def dearest(cells: Sequence[Compared]) -> float:
        return max(cell.dearer(objective) for cell in cells)

    number = len(savings(_plain(study.long)))
    hpa, static, worst = (_measured(study.long, one) for one in (to_hpa, to_static, dearest))
    return [
        Target(
            f"(a) {objective:g}: fewer replica-hours than HPA at {stock:g} ({number} cells)",
            "at least 25 %",
            _shown(hpa, _percent),
            hpa[0] >= 0.25,
        ),
        Target(
            f"(a) {objective:g}: fewer replica-hours than the static peak",
            "at least 25 %",
            _shown(static, _percent),
            static[0] >= 0.25,
        ),
        Target(
            f"(b) {objective:g}: cost over the best tuned rival's at equal SLO, worst cell",
            "at most 1.02",
            _shown(worst, _ratio),
            worst[0] <= 1.02,
        ),
    ]


def _waits(study: Study) -> Target:
    slow = [cell for cell in study.long if cell.startup >= SLOW]

    def ratio(cells: Sequence[Compared]) -> float:
        return _median(
            found for cell in cells for one in OBJECTIVES for _, _, found in cell.waits(one)
        )

    reached = _measured(slow, ratio)
    what = "(c) p99 wait over that of rivals that exceed the allowed one, at equal cost"
    return Target(what, "at most 0.50", _shown(reached, _ratio), not reached[0] > 0.5)


def _utilisation(study: Study) -> Target:
    def used(cells: Sequence[Compared]) -> float:
        return _median(cell.ours(OBJECTIVES[0]).utilisation for cell in cells)

    reached = _measured(study.long, used)
    what = f"(d) utilisation at {OBJECTIVES[0]:g}"
    return Target(what, "at least 70 %", _shown(reached, _percent), reached[0] >= 0.70)


def _coverage(study: Study) -> list[Target]:
    fixed = [one for held in study.coverage.values() for one in held if one.level == 0.95]
    low, high = (extreme(one.covered for one in fixed) for extreme in (min, max))
    reached = f"{low:.3f} to {high:.3f}"
    what = "(e) coverage of the fixed 0.95 bound, all cells"
    return [Target(what, "0.93 to 0.97", reached, low >= 0.93 and high <= 0.97)]


def _blind(study: Study) -> Target:
    number = sum(one.blind_decreases for one in study.chaos if one.family == OURS.name)
    return Target("(f) decreases on missing data, chaos runs", "0", str(number), number == 0)


def _still(study: Study) -> Target:
    """Per lane and day: the theorem's bound with the window of that start-up time."""
    worst = max(
        float(run.reversals.max()) / reversals_allowed(cell.startup)
        for cell in study.long
        for run in of(cell.runs, OURS.name)
    )
    what = "(g) reversals in a day over the bound floor(T/W) + 1, most of any day"
    return Target(what, "at most 1.00", f"{worst:.2f}", worst <= 1.0)


def reversals_allowed(startup: float) -> int:
    """How many the theorem allows in a day."""
    lead = slow_start(startup) + 2 * SCRAPE
    return math.floor(DAY / max(HOLD, lead)) + 1


def _plain(cells: Sequence[Cell]) -> list[Compared]:
    return [Compared(cell) for cell in cells]


def _measured(cells: Sequence[Cell], statistic: Statistic) -> tuple[float, float, float]:
    """The statistic, and its 95 % interval when days and seeds are drawn anew."""
    seeds, days = cells[0].runs[0].requests.shape
    drawn = [
        statistic([Compared(cell, weights) for cell in cells])
        for weights in day_blocks((seeds, days), DRAWS, seed=1)
    ]
    known = [one for one in drawn if not math.isnan(one)]
    low, high = np.quantile(known, (0.025, 0.975)) if known else (math.nan, math.nan)
    return statistic(_plain(cells)), float(low), float(high)


def _median(values: Iterable[float]) -> float:
    every = list(values)
    return float(np.median(every)) if every else math.nan


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _shown(reached: tuple[float, float, float], show: Callable[[float], str]) -> str:
    value, low, high = reached
    if math.isnan(value):
        return "no such cell"
    return f"{show(value)} ({show(low)} to {show(high)})"


def show(found: Sequence[Target]) -> str:
    """The targets as a table."""
    rows = [[one.what, one.promised, one.reached, "met" if one.met else "NO"] for one in found]
    return table(["target", "promised", "reached", "met"], rows)
