"""Forecasts of demand, made anew every minute from the history that was read back."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.inferenceautoscaler import startup
from controllers.inferenceautoscaler.queries import MINUTE, Asking, asking, instant
from controllers.plan import Meta
from controllers.readings import Answer, Answered, FloatArray, Query, Samples, Series
from controllers.stats.forecast import Basis, Outlook, basis
from controllers.stats.forecast.inputs import TAIL
from controllers.stats.forecast.outlook import LONGEST

POD = {"Deployment": r"-[a-z0-9]{1,10}-[a-z0-9]{5}", "StatefulSet": r"-[0-9]{1,5}"}
"""What the names of a workload's pods, past ones too, have after its own."""
AT_ONCE, WHILE = 100, 5.0
"""So many autoscalers have their forecasts made as they are decided about within so many seconds;
for the others they are made between the decisions, and serve from the next one on."""
GROWN = 2.0
"""How many times as long a history has to be to make a basis anew before it is due."""
FORGOTTEN = 3600.0
"""Seconds after which what nobody asked for is forgotten: its object is gone."""
LASTS = 5 * MINUTE
"""Seconds for which a forecast is used while no newer history arrives."""


@dataclass
class _Known:
    """What is remembered of one autoscaler."""

    horizons: tuple[int, int] = (0, 0)
    """Minutes that its forecasts are to reach."""
    bases: dict[int, tuple[Basis, int]] = field(default_factory=dict)
    """By horizon in minutes: the basis, and how many minutes of history it was made of."""
    at: float = -math.inf
    """The end of the history that the outlooks are of, in unix seconds."""
    made: dict[int, Outlook] = field(default_factory=dict)
    looked: float = 0.0
    """When it was last asked for."""


@dataclass(frozen=True)
class _Past:
    """A target's demand as far as it has been read back, a value a minute."""

    series: list[Series]
    last: int
    """The number of the newest minute since the epoch."""
    minutes: int
    """How many have been read back."""

    def rates(self, minutes: int) -> FloatArray:
        """The sum (requests/s) in each of the newest minutes; NaN where there is no value."""
        kept = min(minutes, self.minutes)
        return np.maximum(total([one.values[-kept:] for one in self.series]), 0.0)


def total(rows: Sequence[Samples]) -> FloatArray:
    """The sum at each instant of what is known at it; NaN where nothing is."""
    values = np.array(rows, dtype=np.float64)
    there = np.isfinite(values)
    return np.where(there.any(axis=0), np.where(there, values, 0.0).sum(axis=0), np.nan)


class Outlooks:
    """Remembers forecasts and what they rest on; they can be made again from the same history.

    A thousand are due at once and would keep the decisions waiting: what forecasts rest on is never
    made at a look, and they themselves only of the first hundred.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._swept = -math.inf
        self._line: dict[tuple[str, int], _Past] = {}
        """Of which a basis is to be made, by uid and horizon."""
        self._late: dict[str, _Past] = {}
        """Of which forecasts are to be made, by uid."""
        self._turn, self._left = 0, AT_ONCE

    def look(
        self,
        meta: Meta,
        spec: InferenceAutoscalerSpec,
        status: InferenceAutoscalerStatus,
        answers: Mapping[Query, Answered],
        now: float,
    ) -> tuple[Outlook | None, Outlook | None]:
        """What is expected until a new replica would be ready, and over twice that time.

        Of the last minute that is in the history; nothing where none has been read back yet, or
        what forecasts rest on has not been made of it yet.
        """
        if meta.deleting or spec.forecast.mode == "Off":
            self._known.pop(meta.uid, None)
            return None, None
        self._forget(now)
        known = self._known.setdefault(meta.uid, _Known())
        known.looked = now
        known.horizons = horizons = _horizons(spec, status)
        asked = asking(spec, meta.namespace, spec.target_ref.name, instant(spec, now))
        one = next((one for one in asked if one.history in answers), None)
        if one is not None and one.history is not None:
            made = set(horizons) <= known.made.keys()
            fresh = made and known.at == one.history.at
            past = None if fresh else _past(answers[one.history], one, spec, meta.namespace)
            # The newest minute is asked for at its end and read a little later.
            if past is not None and not (made and known.at == past.last * MINUTE):
                self._line_up(meta.uid, known, past, round(spec.forecast.history / MINUTE))
                waits = any(base.serves(past.last) for base, _ in known.bases.values())
                self._late[meta.uid] = past
                if not waits or self._at_once(now):
                    _make(known, self._late.pop(meta.uid))
        if not 0 <= now - known.at < LASTS:
            # What it says of demand is no longer of now.
            known.made = {}
        near, later = (known.made.get(horizon) for horizon in horizons)
        return near, later

    def _line_up(self, uid: str, known: _Known, past: _Past, whole: int) -> None:
        """Has the bases made that are due; ``whole`` is how many minutes are read back in all."""
        for horizon in known.horizons:
            base, of = known.bases.get(horizon, (None, 0))
            # While the history is read back, what was made of a part of it is made again.
            more = past.minutes > GROWN * of or of < whole <= past.minutes
            if base is None or not base.serves(past.last) or past.last >= base.due or more:
                self._line[uid, horizon] = past

    def _at_once(self, now: float) -> bool:
        turn = int(now // WHILE)
        if turn != self._turn:
            self._turn, self._left = turn, AT_ONCE
        self._left -= 1
        return self._left >= 0

    @property
    def in_line(self) -> int:
        """How many forecasts, and bases of them, are to be made."""
        return len(self._late) + len(self._line)

    def make_one(self) -> bool:
        """Makes what is the most urgent, in 1 ms, or in 20 a basis; False where none is in line."""
        if self._late:
            uid = next(iter(self._late))
            past = self._late.pop(uid)
            if uid in self._known:
                _make(self._known[uid], past)
            return True
        if not self._line:
            return False
        uid, horizon = next(iter(self._line))
        past, known = self._line.pop((uid, horizon)), self._known.get(uid)
        if known is not None and horizon in known.horizons:
            rates = past.rates(past.minutes)
            known.bases[horizon] = basis(rates, past.last - len(rates) + 1, horizon), len(rates)
        return True

    def _forget(self, now: float) -> None:
        if now - self._swept > FORGOTTEN / 10.0:
            self._swept = now
            self._known = {
                uid: known for uid, known in self._known.items() if known.looked > now - FORGOTTEN
            }


def _make(known: _Known, past: _Past) -> None:
    """Makes the outlooks at the newest minute, of the horizons that there is a basis for."""
    known.bases = {one: base for one, base in known.bases.items() if one in known.horizons}
    serving = [base for base, _ in known.bases.values() if base.serves(past.last)]
    rates = past.rates(TAIL) if serving else np.empty(0)
    start = past.last - len(rates) + 1
    known.made = {base.horizon: base.outlook(rates, start) for base in serving}
    known.at = past.last * MINUTE


def _horizons(spec: InferenceAutoscalerSpec, status: InferenceAutoscalerStatus) -> tuple[int, int]:
    """Minutes until a replica asked for now is ready, and twice as many."""
    lead = startup.planned(status.startup, spec.startup.initial) + 2.0 * spec.analysis.interval
    # An outlook of whole minutes serves for the minute that comes after them, too.
    minutes = min(math.ceil(lead / MINUTE) + 1, LONGEST)
    return minutes, min(2 * minutes, LONGEST)


def _past(
    answered: Answered, one: Asking, spec: InferenceAutoscalerSpec, namespace: str
) -> _Past | None:
    """The target's demand a minute; nothing where none of it has been read back."""
    if not isinstance(answered, Answer) or answered.since == math.inf:
        return None
    series = _own(answered, one, spec, namespace)
    if not series:
        return None
    times = series[0].times
    known = len(times) - int(np.searchsorted(times, answered.since - 1.0))
    return _Past(series, round(float(times[-1]) / MINUTE), known) if known else None


def _own(
    answer: Answer, one: Asking, spec: InferenceAutoscalerSpec, namespace: str
) -> list[Series]:
    if one.group is None:
        return list(answer.series) if len(answer.series) == 1 else []
    found = answer.by(*one.group.labels)
    if not one.group.pods:
        return [each for key in one.group.keys for each in found.get(key, ())]
    ref = spec.target_ref
    name = re.compile(re.escape(ref.name) + POD.get(ref.kind, r"-.*"))
    return [
        each
        for (place, pod), group in found.items()
        if place == namespace and name.fullmatch(pod)
        for each in group
    ]
