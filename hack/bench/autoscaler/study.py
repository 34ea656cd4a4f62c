"""The simulations of the benchmark, each in a process of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler import traces
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.chaos import FAULTS, Chaos
from hack.bench.autoscaler.clairvoyant import need, reference
from hack.bench.autoscaler.coverage import Held, held
from hack.bench.autoscaler.families import CHAOS, OURS, RIVALS, STATIC
from hack.bench.autoscaler.measures import Run, runs
from hack.bench.autoscaler.play import groups, lanes_of, play
from hack.bench.autoscaler.policy import Family, Static
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.traces import DAY
from hack.bench.autoscaler.world import Setting, World

STARTUPS = (60.0, 180.0, 600.0)
LONG = ("m-mid", "m-small")
HISTORY = 8 * DAY
WARM = 3 * 3600
"""Seconds that are simulated before anything counts."""
MEAN = 200.0
"""Requests per second to which the traces are scaled."""
SMALL = Service(slots=4)
"""For the Azure trace, which has 5.5 requests per second."""
WORKERS = 2


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    seeds: int = 5
    days: int = 6
    sparse: bool = False
    """Whether every other target of the rivals is left out."""

    def family(self, family: Family) -> Family:
        """The family with the settings that this size tries."""
        swept = family.swept[::2] if self.sparse else family.swept
        return Family(family.name, family.make, family.stock, swept)


@dataclass(frozen=True, eq=False)
class Cell:
    """One trace with one start-up time."""

    trace: str
    startup: float
    allowed: int
    """Seconds that a request may wait."""
    runs: list[Run]
    reference: float
    """What the clairvoyant pays, in replica-seconds over all seeds."""
    floor: float
    """The replica-seconds of work, over all seeds."""
    needed: IntArray
    """What the clairvoyant has ready (minutes,), for the first seed."""
    rate: FloatArray
    """Requests per second (minutes,), of the first seed."""
    bursts: FloatArray
    """Dispersion of the requests per second in each 10 minutes of the first seed."""


@dataclass(frozen=True, eq=False)
class Trouble:
    """One family under one fault."""

    family: str
    fault: str
    blind_decreases: int
    run: Run


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that was simulated."""

    size: Size
    long: list[Cell]
    short: list[Cell]
    chaos: list[Trouble]
    coverage: dict[str, list[Held]]


def study(size: Size, say: Callable[[str], None]) -> Study:
    """Run all simulations; ``say`` is told what has ended."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        long = [pool.submit(long_cells, size, name) for name in LONG]
        chaos = pool.submit(chaos_runs, size)
        short = [pool.submit(short_cells, size, name) for name in ("mm-image", "azure")]

        def told(what: str, future: "Future[Any]") -> Any:
            result = future.result()
            say(what)
            return result

        cells = [told(f"{name}: done", one) for name, one in zip(LONG, long, strict=True)]
        return Study(
            size=size,
            long=[cell for found, _ in cells for cell in found],
            coverage={name: found for name, (_, found) in zip(LONG, cells, strict=True)},
            chaos=told("chaos: done", chaos),
            short=[cell for one in short for cell in told("short cells: done", one)],
        )


def long_cells(size: Size, name: str) -> tuple[list[Cell], list[Held]]:
    """Days of history, then the days that count, for all start-up times at once."""
    counts = _drawn(name, size.seeds)
    until = HISTORY + size.days * DAY
    setting = Setting(Service(), counts, HISTORY - WARM, _most(counts[:, HISTORY:until], Service()))
    families = [*map(size.family, RIVALS), OURS]
    cells = _cells(name, setting, families, STARTUPS, (HISTORY, until, DAY))
    return cells, held(counts, STARTUPS, HISTORY, until)


def short_cells(size: Size, name: str) -> list[Cell]:
    """One trace that is too short for a forecast: what is reactive stands alone."""
    if name == "azure":
        counts, service, warm = traces.azure()[None, :], SMALL, 300
    else:
        counts, service, warm = _drawn(name, size.seeds), Service(), WARM
    until = counts.shape[1]
    setting = Setting(service, counts, 120, _most(counts, service))
    families = [*map(size.family, RIVALS), OURS]
    return _cells(name, setting, families, STARTUPS, (warm, until, until - warm))


def chaos_runs(size: Size) -> list[Trouble]:
    """m-mid with a start-up time of three minutes for two days: each fault, and none."""
    seeds, days, startup = min(size.seeds, 2), min(size.days, 2), STARTUPS[1]
    counts = _drawn(LONG[0], seeds)
    until = HISTORY + days * DAY
    setting = Setting(Service(), counts, HISTORY - WARM, _most(counts[:, HISTORY:until], Service()))
    names = ["", *(fault.name for fault in FAULTS)]
    families = [*CHAOS, Family(OURS.name, OURS.make, OURS.stock[:1])]
    lanes = lanes_of(families, (startup,), seeds, names)
    world = World(setting, lanes)
    chaos = Chaos(world)
    outcome = play(world, groups(families, lanes, setting), HISTORY, until, DAY, chaos)
    blind = {
        (family.name, name): sum(
            int(number)
            for number, lane in zip(chaos.blind_decreases, lanes, strict=True)
            if (lane.family, lane.fault) == (family.name, name)
        )
        for family in families
        for name in names
    }
    return [
        Trouble(run.family, name, blind[run.family, name], run)
        for name in names
        for run in runs(outcome, startup, name)
    ]


def _drawn(name: str, seeds: int) -> IntArray:
    windows = traces.servegen(name, MEAN)
    return np.stack([traces.arrivals(windows, seed) for seed in range(seeds)])


def _most(counts: IntArray, service: Service) -> int:
    """The limit that everyone gets: twice the peak, so that it is no help to anyone."""
    return 2 * _peak(counts, service)


def _peak(counts: IntArray, service: Service) -> int:
    """The replicas with which nobody ever waits too long, whatever the seed."""
    return max(int(need(one, service).max()) for one in counts)


def _cells(
    name: str,
    setting: Setting,
    families: list[Family],
    startups: tuple[float, ...],
    span: tuple[int, int, int],
) -> list[Cell]:
    """``span`` is from where to where is recorded, and how long a day of it is."""
    first, until, day = span
    judged = setting.counts[:, first:until]
    peak = Family(STATIC, Static, (float(_peak(judged, setting.service)),))
    every = [*families, peak]
    lanes = lanes_of(every, startups, len(judged))
    outcome = play(World(setting, lanes), groups(every, lanes, setting), first, until, day)
    needed = [need(one, setting.service) for one in judged]
    whole = judged[0][: len(judged[0]) // 600 * 600]
    blocks = whole.reshape(-1, 600)
    return [
        Cell(
            trace=name,
            startup=startup,
            allowed=setting.service.allowed,
            runs=runs(outcome, startup),
            reference=sum(reference(one, startup).seconds for one in needed),
            floor=float(judged.sum() / setting.service.rate),
            needed=needed[0],
            rate=whole[: len(whole) // 60 * 60].reshape(-1, 60).mean(axis=1),
            bursts=blocks.var(axis=1) / np.maximum(blocks.mean(axis=1), 1e-9),
        )
        for startup in startups
    ]
