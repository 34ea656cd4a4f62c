"""InferenceAutoscaler on recorded demand: its decisions, and replicas that follow them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Mode, Role
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus, StartupStatus
from controllers.inferenceautoscaler import Seen, capacity, decide, needs
from controllers.inferenceautoscaler.others import MANAGER
from controllers.inferenceautoscaler.queries import MINUTE, Asking, asking
from controllers.inferenceautoscaler.seen import Pod, Target
from controllers.inferenceautoscaler.signals import Measured, measure
from controllers.plan import Meta, Resource
from controllers.readings import Answer, Answered, Query
from controllers.stats.forecast import Outlook
from controllers.stats.hpa import Hpa
from operators.backtest.inferenceautoscaler import check, outcome
from operators.backtest.inferenceautoscaler.modelled import Side, answers, spread
from operators.backtest.inferenceautoscaler.supply import REVISION, Supply
from operators.backtest.manifest import Manifest
from operators.backtest.recording import Keep, Recording
from operators.backtest.report import Report
from operators.inferenceautoscaler.outlooks import Outlooks, total

SCALED = Resource("apps", "v1", "deployments", "Deployment")
"""What is written to, by name only: nothing leaves the back-test."""
STOCK = 0.6
"""The utilisation that an HPA which nobody tuned is given."""
_RECORDED = frozenset({Role.DEMAND, Role.ACTIVATION})


def begin(manifest: Manifest, step: int | None) -> "AutoscalerRun":
    """A back-test of that object, deciding every ``step`` seconds instead of as its spec says.

    ValueError names the field that keeps it from being tested.
    """
    return AutoscalerRun(manifest.meta, manifest.spec, manifest.status, step)


class AutoscalerRun:
    """One autoscaler beside an HPA: the same demand, the same replicas to be had."""

    def __init__(
        self,
        meta: Meta,
        spec: InferenceAutoscalerSpec,
        learned: InferenceAutoscalerStatus,
        step: int | None,
    ) -> None:
        check.refuse(spec)
        rate, self._source = capacity.planned(spec.capacity, learned.capacity.revisions, REVISION)
        if rate is None:
            raise ValueError(check.NO_CAPACITY)
        if rate <= 0.0:
            raise ValueError(check.NO_RATE)
        self._rate, self._left_out = rate, check.left_out(spec)
        self._spec = _played(spec, rate, step)
        self._meta = replace(meta, uid="backtest")
        self._status = InferenceAutoscalerStatus(startup=_startup(learned.startup))
        self._startups = learned.startup.recent or (spec.startup.initial,)
        self._outlooks = Outlooks()
        self._hpa = Hpa(STOCK * rate, max(self._spec.min_replicas, 1), self._spec.max_replicas)
        self._sides: tuple[Side, Side] | None = None
        self._before, self._arriving = 0, 0.0
        self._log = outcome.Log()

    @property
    def step(self) -> int:
        """Seconds between two decisions."""
        return int(self._spec.analysis.interval)

    def wants(self, at: int) -> Mapping[Query, Keep]:
        """Of what it needs, all but what its own replicas would have said."""
        needed = set(needs(self._meta, self._spec, self._status, at))
        return {
            query: check.keep(one, self._meta, self._spec)
            for one in self._asked(at)
            if one.signal.role in _RECORDED
            for query in (one.value, one.lately, one.samples, one.history)
            if query is not None and query in needed
        }

    def lacks(self, history: Recording, at: range) -> str:
        """Says so where there was never any demand to be seen."""
        if any(history.answer(self._demand(now).value).series for now in at):
            return ""
        return check.no_data(self._demand(at[0]), self._meta, at)

    def decide(self, at: int, history: Recording) -> None:
        """One interval passes, then both are asked and followed."""
        if self._sides is None:
            self._sides, self._before = self._first_sides(at, history), at
        ours, other = self._sides
        pods = ours.supply.pods(at)
        asked = self._asked(at)
        known = self._recorded(asked, history, pods)
        demand = self._measured(asked, known, pods)
        arrived = demand.value if demand.lately is None else demand.lately
        self._arriving = self._arriving if arrived is None else arrived
        for side in self._sides:
            side.flow(self._before, at, self._arriving)
        self._before = at
        self._follow(at, ours, asked, known, pods)
        other.supply.scale(at, self._hpa.look(at, len(other.supply), demand.value))
        self._log.add(at, arrived, self._spec, self._rate, self._status, self._sides)

    def report(self, history: Recording) -> Report:
        """Figures of both, side by side."""
        return outcome.report(
            self._log, self._spec, self._meta, outcome.Given(
                self._rate, self._source, self._startups, self._left_out,
                history.requests, tuple(history.warnings), self._minutes(history),
            ),
        )  # fmt: skip

    def _minutes(self, history: Recording) -> outcome.Minutes:
        """The demand as forecasts see it, of as much as one of them would look back on."""
        query = self._demand(self._before).history
        found = history.answer(query).series if query is not None else ()
        if not found:
            return 0, np.zeros(0)
        return round(float(found[0].times[0]) / MINUTE), total([one.values for one in found])

    def _follow(
        self,
        at: int,
        ours: Side,
        asked: Sequence[Asking],
        known: Mapping[Query, Answered],
        pods: tuple[Pod, ...],
    ) -> None:
        """The decision of the kind, and what it writes."""
        said = dict(known)
        for one in asked:
            if one.signal.role not in _RECORDED:
                said |= answers(one, ours, pods, self._meta.namespace)
        near, later = self._expected(said, at)
        target = Target(SCALED, self._meta.uid, str(at), len(ours.supply), MANAGER, REVISION, pods)
        seen = Seen(target, answers=said, outlook=near, later=later)
        plan = decide(self._meta, self._spec, self._status, seen, at)
        self._status = plan.status
        for write in plan.writes:
            ours.supply.scale(at, int(write.patch["spec"]["replicas"]))

    def _expected(
        self, said: Mapping[Query, Answered], at: int
    ) -> tuple[Outlook | None, Outlook | None]:
        """The forecasts, and at once what they rest on."""
        known = self._outlooks.look(self._meta, self._spec, self._status, said, at)
        if not self._outlooks.in_line:
            return known
        while self._outlooks.make_one():
            pass
        return self._outlooks.look(self._meta, self._spec, self._status, said, at)

    def _first_sides(self, at: int, history: Recording) -> tuple[Side, Side]:
        """Both begin with what an HPA would have had."""
        one = Supply(self._spec.target_ref.name, self._startups, 1, at)
        asked, pods = self._asked(at), one.pods(at)
        found = self._measured(asked, self._recorded(asked, history, pods), pods)
        least, most = max(self._spec.min_replicas, 1), self._spec.max_replicas
        first = min(max(math.ceil((found.value or 0.0) / (STOCK * self._rate)), least), most)
        names = (self._spec.target_ref.name, "hpa")
        ours, other = (
            Side(Supply(name, self._startups, first, at), self._spec, self._rate) for name in names
        )
        return ours, other

    def _asked(self, at: int) -> tuple[Asking, ...]:
        return asking(self._spec, self._meta.namespace, self._spec.target_ref.name, at)

    def _demand(self, at: int) -> Asking:
        return next(one for one in self._asked(at) if one.signal.role is Role.DEMAND)

    def _recorded(
        self, asked: Sequence[Asking], history: Recording, pods: tuple[Pod, ...]
    ) -> dict[Query, Answered]:
        """What Prometheus said; of pods that are no longer there, as if these were they."""
        said: dict[Query, Answered] = {}
        for one in asked:
            if one.signal.role not in _RECORDED:
                continue
            for query in (one.value, one.lately, one.samples):
                if query is not None:
                    found = history.answer(query)
                    said[query] = spread(one, query, found, pods, self._meta.namespace)
            if one.throughput is not None:
                # What the replicas of then answered says nothing of these.
                said[one.throughput] = Answer(())
            if one.history is not None:
                said[one.history] = history.answer(one.history)
        return said

    def _measured(
        self, asked: Sequence[Asking], known: Mapping[Query, Answered], pods: tuple[Pod, ...]
    ) -> Measured:
        one = next(one for one in asked if one.signal.role is Role.DEMAND)
        return measure(one, known, pods, self._meta.namespace, 1.0, None)


def _played(
    spec: InferenceAutoscalerSpec, rate: float, step: int | None
) -> InferenceAutoscalerSpec:
    """The spec as it is played: it acts, it knows its capacity, and has no guard to ask."""
    analysis = spec.analysis.model_copy(update={"interval": float(step)} if step else {})
    return spec.model_copy(
        update={
            "mode": Mode.ACTIVE,
            "suspend": False,
            "analysis": analysis,
            "signals": tuple(one for one in spec.signals if one.role is not Role.GUARD),
            "capacity": spec.capacity.model_copy(update={"requests_per_second": rate}),
        }
    )


def _startup(learned: StartupStatus) -> StartupStatus:
    """What was learned of start-up times, without when: that was after the back-test's time."""
    return learned.model_copy(update={"learned_until": 0, "all_ready": 0})
