"""The plots of the page: cost against the SLO, and the course of some days."""

import math

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.compare import Compared
from hack.bench.autoscaler.families import HPA_USAGE, KEDA, OURS, RIVALS
from hack.bench.autoscaler.measures import Run, of
from hack.bench.autoscaler.study import Cell, Study
from hack.bench.autoscaler.svg import COLOURS, Axis, Curve, Panel, linear, sheet

LEAST, MOST = 0.9, 0.9999
STARTUP = 180.0
"""The start-up time whose course is shown."""
SHOWN_DAYS = 2
MINUTES = 1440


def cost_against_slo(study: Study) -> str:
    """One panel per long cell: each family over its settings."""
    return sheet([_front(cell) for cell in study.long], columns=3)


def _front(cell: Cell) -> Panel:
    compared = Compared(cell)
    ticks = [(-math.log10(1 - one), f"{100 * one:g}") for one in (0.9, 0.99, 0.995, 0.999)]
    x = Axis("requests in time, %", -math.log10(1 - LEAST), -math.log10(1 - MOST), ticks)
    curves = []
    names = [*(family.name for family in RIVALS), OURS.name]
    for name, colour in zip(names, [*COLOURS[: len(RIVALS)], COLOURS[-1]], strict=True):
        scores = [one for one in compared.of(name) if one.attained >= LEAST]
        if scores:
            curves.append(
                Curve(
                    name,
                    np.array([-math.log10(max(1 - one.attained, 1 - MOST)) for one in scores]),
                    np.array([one.billed / cell.reference for one in scores]),
                    colour,
                    marked=True,
                    thick=name == OURS.name,
                )
            )
    y = linear("cost / clairvoyant's", 1.0, 2.6)
    return Panel(f"{cell.trace}, start-up {cell.startup:.0f} s", x, y, curves)


def course(cell: Cell) -> str:
    """The first days of one cell: what each asked for, above what the clairvoyant had ready."""
    minutes = min(len(cell.needed), SHOWN_DAYS * MINUTES)
    hours = np.arange(minutes) / 60.0
    curves = [
        Curve("clairvoyant's need", hours, cell.needed[:minutes].astype(np.float64), COLOURS[6])
    ]
    shown = [(HPA_USAGE.name, 0.60, 0), (KEDA.name, 0.60, 2), (OURS.name, 0.99, 7)]
    for name, setting, colour in shown:
        runs = [run for run in of(cell.runs, name) if run.setting == setting]
        curves += [
            Curve(f"{name} {setting:g}", hours, _line(run, minutes), COLOURS[colour])
            for run in runs
        ]
    top = max(float(curve.y.max()) for curve in curves)
    title = f"{cell.trace}, start-up {cell.startup:.0f} s: replicas asked for"
    panel = Panel(
        title, linear("hours", 0.0, float(hours[-1]), 12), linear("replicas", 0.0, top), curves
    )
    return sheet([panel], columns=1, width=1100)


def _line(run: Run, minutes: int) -> FloatArray:
    line: FloatArray = run.desired[0, :minutes].astype(np.float64)
    return line
