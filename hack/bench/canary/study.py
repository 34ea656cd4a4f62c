"""The simulations of the benchmark, in the order of the report."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary import latency
from hack.bench.canary.cells import DEFAULT, EVERY, SHARP, Cell, Limits, cell
from hack.bench.canary.hindsight import Best, best
from hack.bench.canary.ramp import level, steps
from hack.bench.canary.rules import DOCUMENTED, Rule, sweep
from hack.bench.canary.simulate import Setting
from hack.bench.canary.worlds import BEYOND, NULLS, STATIONARY

BASE = 0.005
TRAFFIC = (1.0, 5.0, 50.0, 500.0)
BASES = (0.001, 0.005, 0.01, 0.05)
RATIOS = (1.2, 1.5, 2.0, 5.0, 20.0)
FAST_TICK = 5.0
HEALTHY = {"after 2 h": 120.0, "after 12 h": 720.0}
PLAIN = Limits(1.0, 0.0)


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    runs: int = 2000
    """Runs of each cell that a target stands on."""
    seed: int = 1
    quick: bool = False

    @property
    def few(self) -> int:
        """Runs of each other cell."""
        return max(self.runs * 3 // 20, 50)

    @property
    def bases(self) -> tuple[float, ...]:
        """The base rates of the wide grid."""
        return (BASE,) if self.quick else BASES


@dataclass(frozen=True, eq=False)
class Latency:
    """One latency fault: minutes to the rollback by judge, and to our certificate."""

    fault: latency.Fault
    found: dict[str, FloatArray]
    certified: FloatArray


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that was simulated."""

    size: Size
    nulls: list[Cell]
    beyond: list[Cell]
    faults: list[Cell]
    fast: list[Cell]
    best: list[Best]
    grid: list[Cell]
    certificates: list[Cell]
    late: dict[str, Cell]
    latency: list[Latency]

    @property
    def rules(self) -> list[Rule]:
        """The settings of the others that the tables show."""
        return _shown(self.best)

    def fault(self, ratio: float) -> Cell:
        """The cell of one ratio at 50 requests per second."""
        return next(one for one in self.faults if one.setting.ratio == ratio)


def study(size: Size, say: Callable[[str], None]) -> Study:
    """Run all simulations; ``say`` is told what begins."""
    say(f"null worlds and faults at 50 rps, {size.runs} runs each")
    swept = sweep(BASE)
    every = [*DOCUMENTED, *(rule for rules in swept.values() for rule in rules)]

    def wide(setting: Setting) -> Cell:
        return cell(setting, steps(), size.runs, size.seed, EVERY, every)

    nulls = [wide(Setting(world)) for world in NULLS]
    beyond = [wide(Setting(world)) for world in BEYOND]
    faults = [wide(Setting(STATIONARY, ratio=ratio)) for ratio in RATIOS]
    twice = faults[RATIOS.index(2.0)]
    chosen = [best(family, rules, nulls, twice) for family, rules in swept.items()]
    say("the same with scrapes every 5 seconds")
    fast = [
        cell(
            Setting(STATIONARY, ratio=ratio),
            steps(tick=FAST_TICK),
            size.runs,
            size.seed,
            (DEFAULT, SHARP),
            classical=False,
        )
        for ratio in (1.0, 2.0, 5.0)
    ]
    return Study(
        size=size,
        nulls=nulls,
        beyond=beyond,
        faults=faults,
        fast=fast,
        best=chosen,
        grid=_grid(size, _shown(chosen), say),
        certificates=_certificates(size, say),
        late=_late(size, _shown(chosen), say),
        latency=_latency(size, say),
    )


def _shown(chosen: list[Best]) -> list[Rule]:
    swept = [rule for one in chosen for rule in (one.quiet, one.sharp)]
    return list(dict.fromkeys([*DOCUMENTED, *swept]))


def _grid(size: Size, rules: list[Rule], say: Callable[[str], None]) -> list[Cell]:
    """All traffic and base rates: null worlds and steady faults.

    The swept limits are made for one base rate and are shown at that one only.
    """
    cells = []
    for base, traffic in product(size.bases, TRAFFIC):
        say(f"{traffic:g} rps, {100 * base:g} % errors, {size.few} runs each")
        known = rules if base == BASE else DOCUMENTED
        settings = [Setting(world, traffic, base) for world in NULLS]
        settings += [Setting(STATIONARY, traffic, base, ratio) for ratio in RATIOS]
        cells += [
            cell(one, steps(), size.few, size.seed, (DEFAULT, PLAIN), known) for one in settings
        ]
    return cells


def _certificates(size: Size, say: Callable[[str], None]) -> list[Cell]:
    """Two hours, as long as the default deadline: who is certified, and when."""
    say("certificates within two hours")
    cells = []
    for base, traffic, ratio in product(size.bases, TRAFFIC, (1.0, 1.5, 2.0)):
        runs = size.runs if (traffic, base) == (50.0, BASE) else size.few
        setting = Setting(STATIONARY, traffic, base, ratio)
        cells.append(cell(setting, steps(120.0), runs, size.seed, (DEFAULT,), classical=False))
    return cells


def _late(size: Size, rules: list[Rule], say: Callable[[str], None]) -> dict[str, Cell]:
    """5x that begins after healthy hours at 50 %, at any time between two restarts."""
    cells = {}
    for name, healthy in HEALTHY.items():
        say(f"5x {name}")
        setting = Setting(STATIONARY, ratio=5.0, onset=(healthy, healthy + 10.0))
        cells[name] = cell(
            setting,
            level(healthy + 50.0),
            size.few,
            size.seed,
            (DEFAULT, SHARP),
            rules,
            classical=False,
        )
    return cells


def _latency(size: Size, say: Callable[[str], None]) -> list[Latency]:
    say("latency")
    found = []
    for number, fault in enumerate(latency.FAULTS):
        draw = np.random.default_rng([size.seed, number])
        seen = latency.simulate(draw, fault, steps(), max(size.runs // 4, 100))
        minutes = latency.others(seen)
        verdicts = {one: latency.judge(seen, one) for one in (1.0, 1.1)}
        for tolerance, verdict in verdicts.items():
            minutes[f"ours, alpha 0.05, tolerance {tolerance:.1f}"] = verdict.rollback[0.05]
        found.append(Latency(fault, minutes, verdicts[1.1].certified[0.05]))
    return found
