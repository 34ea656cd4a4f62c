"""The report: every table of the study."""

from collections.abc import Iterable, Sequence

import numpy as np

from hack.bench.autoscaler import targets
from hack.bench.autoscaler.compare import Compared
from hack.bench.autoscaler.families import OBJECTIVES, OURS, RIVALS, STATIC
from hack.bench.autoscaler.measures import FEW, Run
from hack.bench.autoscaler.study import Cell, Study
from hack.bench.canary.tables import table

NONE = "-"


def sections(study: Study) -> dict[str, str]:
    """The tables by the name under which the page calls for them."""
    return {
        "targets": targets.show(targets.targets(study)),
        "cells": _cells(study.long),
        "equal": _equal(study),
        "waits": _waits(study),
        "long": "\n".join(_cell(cell) for cell in study.long),
        "short": "\n".join(_cell(cell) for cell in study.short),
        "chaos": _chaos(study),
        "coverage": _coverage(study),
    }


def _cells(cells: Sequence[Cell]) -> str:
    header = ["cell", "rps, mean", "rps, highest minute", "dispersion, median / p90"]
    header += ["clairvoyant, replica-h", "its utilisation", "static peak / clairvoyant"]
    rows = []
    for cell in cells:
        bursts = np.quantile(cell.bursts, (0.5, 0.9))
        rows.append(
            [
                _name(cell),
                f"{cell.rate.mean():.1f}",
                f"{cell.rate.max():.0f}",
                f"{bursts[0]:.1f} / {bursts[1]:.1f}",
                f"{cell.reference / 3600:,.0f}",
                _percent(cell.floor / cell.reference, 0),
                f"{Compared(cell).static().billed / cell.reference:.2f}",
            ]
        )
    return table(header, rows)


def _name(cell: Cell) -> str:
    return f"{cell.trace} @{cell.startup:.0f} s"


def _cell(cell: Cell) -> str:
    """Who did what: as it comes, and with the setting that is best in hindsight."""
    header = ["policy", "setting", "in time", "cost / clairvoyant's", "wait p50 / p95 / p99, s"]
    header += ["utilisation", "worst 10 min", "changes/d", "reversals/d"]
    rows = []
    for family in RIVALS:
        mine = [run for run in cell.runs if run.family == family.name]
        for stock in family.stock:
            rows += [_row(cell, run, "stock") for run in mine if run.setting == stock]
        for objective in OBJECTIVES:
            best = _best(mine, objective)
            if best is not None:
                rows.append(_row(cell, best, f"best for {objective:g}"))
    for name in (STATIC, OURS.name):
        rows += [_row(cell, run, "") for run in cell.runs if run.family == name]
    return f"### {_name(cell)}\n\n" + table(header, rows)


def _best(runs: Iterable[Run], objective: float) -> Run | None:
    scored = [(run.score(), run) for run in runs]
    good = [(score.billed, run.setting) for score, run in scored if score.attained >= objective]
    if not good:
        return None
    chosen = min(good)[1]
    return next(run for _, run in scored if run.setting == chosen)


def _row(cell: Cell, run: Run, why: str) -> list[str]:
    score = run.score()
    return [
        f"{run.family}, {why}" if why else run.family,
        f"{run.setting:g}",
        _percent(score.attained, 3),
        f"{score.billed / cell.reference:.3f}",
        " / ".join(f"{score.wait(level):.0f}" for level in (0.5, 0.95, 0.99)),
        _percent(score.utilisation, 1),
        _percent(run.worst, 1),
        f"{score.changes:.0f}",
        f"{score.reversals:.1f}",
    ]


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"


def _equal(study: Study) -> str:
    header = ["cell", "objective", "ours: in time", "cost / clairvoyant's"]
    header += [f"{family.name}" for family in RIVALS]
    header += [f"ours / best (at most {FEW} reversals/d)", "ours / best at just the objective"]
    rows = []
    for cell in study.long:
        for objective in OBJECTIVES:
            compared = Compared(cell)
            ours = compared.ours(objective)
            row = [_name(cell), f"{objective:g}", _percent(ours.attained, 3)]
            row.append(f"{ours.billed / cell.reference:.3f}")
            for family in RIVALS:
                cost = compared.front(family.name).cost(ours.attained)
                row.append(NONE if np.isinf(cost) else f"{cost / cell.reference:.3f}")
            ratios = (compared.dearer(objective), compared.dearer_at_objective(objective))
            row += [f"{ratio:.3f}" if ratio else NONE for ratio in ratios]
            rows.append(row)
    return table(header, rows)


def _waits(study: Study) -> str:
    rows = [
        [
            _name(cell),
            f"{objective:g}",
            f"{Compared(cell).ours(objective).wait(0.99):.0f}",
            rival,
            f"{wait:.0f}",
            f"{ratio:.2f}",
        ]
        for cell in study.long
        for objective in OBJECTIVES
        for rival, wait, ratio in Compared(cell).waits(objective)
    ]
    return table(["cell", "objective", "ours, s", "rival", "its p99, s", "ours / its"], rows)


def _chaos(study: Study) -> str:
    header = ["fault", "policy", "decreases while blind", "in time", "without the fault"]
    header += ["replica-hours / without", "worst 10 min", "reversals/d"]
    calm = {one.family: one.run.score() for one in study.chaos if not one.fault}
    rows = []
    for one in study.chaos:
        if not one.fault:
            continue
        score, usual = one.run.score(), calm[one.family]
        rows.append(
            [
                one.fault,
                one.family,
                str(one.blind_decreases),
                _percent(score.attained, 2),
                _percent(usual.attained, 2),
                f"{score.billed / usual.billed:.2f}",
                _percent(one.run.worst, 1),
                f"{score.reversals:.1f}",
            ]
        )
    return table(header, rows)


def _coverage(study: Study) -> str:
    rows = [
        [
            f"{trace} @{one.startup:.0f} s",
            f"{one.level:g}",
            f"{one.covered:.3f}",
            f"{one.width:.3f}",
        ]
        for trace, held in study.coverage.items()
        for one in held
    ]
    return table(["cell", "bound", "held", "excess over what came"], rows)
