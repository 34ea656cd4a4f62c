"""What came of a back-test of an autoscaler: costs, shortfalls and reasons beside an HPA's."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from controllers.api.base import decimal, go_duration
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import Health, InferenceAutoscalerStatus
from controllers.inferenceautoscaler.promise import carry
from controllers.inferenceautoscaler.queries import MINUTE
from controllers.plan import Meta
from controllers.readings import FloatArray
from operators.backtest.inferenceautoscaler.modelled import Side
from operators.backtest.report import Chart, Report, Table, when

SLOTS = 24
"""At most so many rows in the table over time."""
OURS, OTHER = "this spec", "HPA at 60 %"
Minutes = tuple[int, FloatArray]
"""The first minute since the epoch, and the demand of each from there on; NaN: not known."""


@dataclass(frozen=True)
class Given:
    """What the back-test was made with."""

    rate: float
    source: str
    startups: Sequence[float]
    signals: Sequence[str]
    requests: int
    warnings: Sequence[str]
    minutes: Minutes


@dataclass
class _Track:
    """One side at each instant."""

    replicas: list[int] = field(default_factory=list)
    ready: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)
    billed: float = 0.0

    def add(self, at: int, side: Side) -> None:
        self.replicas.append(len(side.supply))
        self.ready.append(side.supply.ready(at))
        self.late.append(side.late)
        self.longest.append(side.queue.longest)
        self.billed = side.billed


class Log:
    """Everything that the figures are made of, instant by instant."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.demand: list[float] = []
        """Requests per second; NaN where not known."""
        self.need: list[float] = []
        self.upper: list[float] = []
        self.quantile: list[float] = []
        self.horizon = 0.0
        self.tracks = (_Track(), _Track())
        self.asked: Counter[str] = Counter()
        self.limited: Counter[str] = Counter()
        self.held = 0
        self.health: Counter[str] = Counter()

    def add(
        self,
        at: int,
        demand: float | None,
        spec: InferenceAutoscalerSpec,
        rate: float,
        status: InferenceAutoscalerStatus,
        sides: tuple[Side, Side],
    ) -> None:
        """One decision, and what there was to serve the demand with."""
        self.at.append(at)
        self.demand.append(math.nan if demand is None else demand)
        self.need.append(math.nan if demand is None else carry(spec, rate)(demand))
        self.upper.append(math.nan if status.demand.upper is None else status.demand.upper)
        self.quantile.append(status.demand.quantile or math.nan)
        self.horizon = max(self.horizon, status.demand.horizon or 0.0)
        for track, side in zip(self.tracks, sides, strict=True):
            track.add(at, side)
        decision = status.decision
        self.asked[decision.asked[0].reason if decision.asked else "Nothing"] += 1
        self.limited[decision.limited_by] += bool(decision.limited_by)
        self.held += any(one.type == "DecreaseHeld" and one.status == "True"
                         for one in status.conditions)  # fmt: skip
        for one in status.signals:
            self.health[f"{one.name} was {one.health}"] += one.health is not Health.OK


def report(log: Log, spec: InferenceAutoscalerSpec, meta: Meta, given: Given) -> Report:
    """The figures of a back-test, as text and lines."""
    need = np.minimum(np.array(log.need, dtype=np.float64), spec.max_replicas)
    step = log.at[1] - log.at[0]
    title = (
        f"InferenceAutoscaler {meta.namespace}/{meta.name}, {when(log.at[0])} to"
        f" {when(log.at[-1])} UTC, a decision every {go_duration(step)}"
    )
    chart = Chart(
        np.array(log.at, dtype=np.float64),
        "replicas",
        need,
        np.array(log.tracks[0].replicas, dtype=np.float64),
        np.array(log.tracks[1].replicas, dtype=np.float64),
        ("needed", OURS, OTHER),
    )
    return Report(
        title,
        _facts(log, spec, given),
        (_sides(log, need, step), _reasons(log), _over_time(log, need)),
        chart,
        _notes(log, spec, given),
    )


def _facts(log: Log, spec: InferenceAutoscalerSpec, given: Given) -> list[str]:
    startups = sorted(given.startups)
    middle = go_duration(startups[(len(startups) - 1) // 2])
    learned = f"a median of {middle}, learned" if len(startups) > 1 else f"{middle} (spec.startup)"
    demand, upper = np.array(log.demand), np.array(log.upper)
    known = np.isfinite(demand)
    facts = [
        f"Planned with {decimal(given.rate, 4)} requests/s per replica ({given.source.lower()}) and"
        f" a start-up time of {learned}; {spec.min_replicas} to {spec.max_replicas} replicas.",
        f"Demand was known at {_percent(known.mean())} of {len(demand):,} instants, from"
        f" {given.requests} requests to Prometheus; it was {decimal(float(np.nanmean(demand)), 4)}"
        f" requests/s on average and {decimal(float(np.nanmax(demand)), 4)} at its highest.",
    ]
    there = np.isfinite(upper)
    if not there.any():
        facts.append(
            "There was no forecast: it is off." if spec.forecast.mode == "Off"
            else "There was no forecast: a day of demand and more has to lie before --from."
        )  # fmt: skip
        return facts
    highest = _ahead(log, given.minutes)
    judged = there & np.isfinite(highest)
    trusted = f"A forecast was trusted at {_percent(there.mean())} of the instants"
    if judged.any():
        held = (highest <= upper)[judged]
        trusted += (
            f"; its bound was to hold for {_percent(np.array(log.quantile)[judged].mean())} of them"
            f" and held for {_percent(held.mean())}"
        )
    return [*facts, trusted + "."]


def _ahead(log: Log, minutes: Minutes) -> FloatArray:
    """At each instant the highest demand of the minutes that its forecast was about, else NaN."""
    steps = max(math.ceil(log.horizon / MINUTE), 1)
    first, rates = minutes
    highest = np.full(len(log.at), np.nan)
    if len(rates) > steps:
        windows = np.lib.stride_tricks.sliding_window_view(rates, steps).max(axis=1)
        place = np.array(log.at) // int(MINUTE) + 1 - first
        inside = (place >= 0) & (place < len(windows))
        highest[inside] = windows[place[inside]]
    return highest


def _sides(log: Log, need: FloatArray, step: int) -> Table:
    rows: list[tuple[str, ...]] = []
    demand = np.array(log.demand)
    known = np.isfinite(demand)
    weight = np.where(known, demand, 0.0)
    ours, other = log.tracks

    def row(name: str, *cells: str) -> None:
        rows.append((name, *cells))

    row("replica-hours", *(f"{one.billed / 3600.0:,.1f}" for one in log.tracks))
    row("replicas, mean", *(f"{np.mean(one.replicas):.2f}" for one in log.tracks))
    row("replicas, most", *(str(max(one.replicas)) for one in log.tracks))
    short = [(np.array(one.ready) < need)[known] for one in log.tracks]
    row("time below need", *(_percent(one.mean()) for one in short))
    row("time below need, hours", *(f"{one.sum() * step / 3600.0:.2f}" for one in short))
    row("replica-hours below need", *(
        f"{np.maximum(need - np.array(one.ready), 0.0)[known].sum() * step / 3600.0:.2f}"
        for one in log.tracks
    ))  # fmt: skip
    row("changes", *(f"{np.count_nonzero(np.diff(one.replicas)):,}" for one in log.tracks))
    row("reversals (up, then down)", *(f"{reversals(one.replicas):,}" for one in log.tracks))
    total = max(float(weight.sum()), 1e-9)
    row("within the wait (modelled)", *(
        _percent(1.0 - float((weight * np.array(one.late)).sum()) / total) for one in log.tracks
    ))  # fmt: skip
    row("longest wait (modelled)", *(_seconds(max(one.longest)) for one in (ours, other)))
    return Table(("", OURS, OTHER), rows)


def reversals(replicas: Sequence[int]) -> int:
    """How often a change downwards followed one upwards."""
    changes = [after - before for before, after in pairwise(replicas)]
    ways = [change for change in changes if change]
    return sum(first > 0 > then for first, then in pairwise(ways))


def _reasons(log: Log) -> Table:
    total = len(log.at)
    rows = [
        (f"{reason} asked for the most", f"{count:,}", _percent(count / total))
        for reason, count in log.asked.most_common()
    ]
    rows += [
        (f"limited by {what}", f"{count:,}", _percent(count / total))
        for what, count in log.limited.most_common()
        if count
    ]
    rows += [("a decrease was held back", f"{log.held:,}", _percent(log.held / total))] * bool(
        log.held
    )
    rows += [
        (what, f"{count:,}", _percent(count / total))
        for what, count in log.health.most_common()
        if count
    ]
    return Table(("decisions", "number", "share"), rows)


def _over_time(log: Log, need: FloatArray) -> Table:
    head = ("UTC", "requests/s", "highest", "needed", OURS, "below", OTHER, "below")
    rows = []
    for places in np.array_split(np.arange(len(log.at)), min(SLOTS, len(log.at))):
        demand = np.array(log.demand)[places]
        cells = [when(log.at[places[0]])]
        if np.isfinite(demand).any():
            cells += [decimal(float(np.nanmean(demand)), 4), decimal(float(np.nanmax(demand)), 4)]
            cells += [str(round(float(np.nanmax(need[places]))))]
        else:
            cells += ["not known"] * 3
        for one in log.tracks:
            counts = np.array(one.replicas)[places]
            cells.append(f"{counts.min()} to {counts.max()}")
            cells.append(_below(np.array(one.ready)[places], need[places]))
        rows.append(cells)
    return Table(head, rows)


def _below(ready: npt.NDArray[np.int64], need: FloatArray) -> str:
    short = (ready < need)[np.isfinite(need)]
    return _percent(short.mean()) if short.any() else ""


def _notes(log: Log, spec: InferenceAutoscalerSpec, given: Given) -> list[str]:
    beyond = np.array(log.need) > spec.max_replicas
    notes = [
        "Needed is what the promise takes for the demand that came: spec.slo and spec.capacity.",
        "Modelled: requests as an even flow that is served in order, with bursts only where none"
        " queue. What users would have done instead of waiting is not modelled.",
        "The HPA scales on the same demand, 60 % of a replica's capacity each, and is not tuned.",
        *given.signals,
    ]
    if any(one.preset == "Istio" and one.role == "Demand" for one in spec.signals):
        notes.append(
            "Istio counts answers: where requests queued in those days, there was more demand."
        )
    if beyond.any():
        notes.append(
            f"spec.maxReplicas: {spec.max_replicas} carry less than came at"
            f" {_percent(beyond.mean())} of the instants; need is counted up to that."
        )
    return [*notes, *(f"Prometheus warns: {one}" for one in given.warnings[:3])]


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f} %"


def _seconds(value: float) -> str:
    return "for ever" if math.isinf(value) else f"{value:.1f} s"
