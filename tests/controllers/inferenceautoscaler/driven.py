"""The whole decision driven by any input at all, with its promises checked at each turn."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from controllers import inferenceautoscaler as autoscaler
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import Health, InferenceAutoscalerStatus
from controllers.inferenceautoscaler import Seen
from controllers.inferenceautoscaler.seen import Pod, Target
from controllers.plan import Meta, Plan
from controllers.readings import Answer, Answered, Gap, Missing, Series
from tests.controllers.inferenceautoscaler.specs import spec
from tests.controllers.inferenceautoscaler.world import DEPLOYMENT, Outlook

NOW = 1_800_000_000
COUNTED = ("demand", "queue", "flight", "arrivals")
SIGNALS = [
    {"name": "demand", "role": "Demand", "query": "demand"},
    {"name": "queue", "role": "Backlog", "query": "queue"},
    {"name": "flight", "role": "Concurrency", "query": "flight"},
    {"name": "arrivals", "role": "Activation", "query": "arrivals"},
    {"name": "met", "role": "Latency", "query": "met"},
    {"name": "kv", "role": "Guard", "query": "kv", "max": "0.9"},
]

Reading = float | str
"""A number, or why there is none: absent, failed or several."""


@dataclass(frozen=True)
class Input:
    """One turn's input."""

    seconds: int
    readings: Mapping[str, Reading]
    outlook: float | None = None
    ready: float = 1.0
    """The share of the replicas that are ready."""
    set_by_another: int | None = None
    killed: bool = False
    lost: bool = False
    """The status that tells of a write is not written: the one before it is what there is."""


def answered(reading: Reading, at: float) -> Answered:
    if reading == "failed":
        return Missing(Gap.FAILED, "connection refused")
    if reading == "absent":
        return Answer(())
    if reading == "several":
        return Answer(tuple(one(0.0, at, x=name) for name in "ab"))
    return Answer((one(float(reading), at),))


def one(value: float, at: float, **labels: str) -> Series:
    return Series(labels, np.array([at]), np.array([value]))


@dataclass
class Driven:
    """An autoscaler and a target that does as it is told at once."""

    fields: dict[str, Any] = field(default_factory=lambda: spec(signals=SIGNALS))
    replicas: int = 4
    writer: str = "kubectl"
    now: int = NOW
    status: InferenceAutoscalerStatus = field(default_factory=InferenceAutoscalerStatus)
    recorded: InferenceAutoscalerStatus = field(default_factory=InferenceAutoscalerStatus)
    finalizer: bool = False
    version: int = 1
    moves: list[tuple[int, int, int]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    """When a signal of what there is to do was missing."""
    generation: int = 1

    def step(self, given: Input) -> Plan[InferenceAutoscalerStatus]:
        self.now += given.seconds
        if given.killed:
            self.status = self.recorded
        if given.set_by_another is not None:
            self.replicas, self.writer = given.set_by_another, "kubectl"
            self.version += 1
        read = InferenceAutoscalerSpec.model_validate(self.fields)
        meta = Meta("prod", "llm", "1", self.generation, "", finalizer=self.finalizer)
        queries = autoscaler.needs(meta, read, self.status, self.now)
        seen = Seen(
            target=self.target(given),
            answers={q: answered(given.readings.get(q.text, 0.0), q.at) for q in queries},
            outlook=None if given.outlook is None else Outlook(given.outlook),
            later=None if given.outlook is None else Outlook(given.outlook * 1.5),
        )
        plan = autoscaler.decide(meta, read, self.status, seen, self.now)
        assert plan == autoscaler.decide(meta, read, self.status, seen, self.now)
        self._settle(plan, read, given)
        return plan

    def target(self, given: Input) -> Target:
        ready = math.floor(given.ready * self.replicas)
        pods = tuple(
            Pod(f"p{i}", "a", NOW - 1000, NOW - 900 if i < ready else None)
            for i in range(self.replicas)
        )
        return Target(DEPLOYMENT, "u", str(self.version), self.replicas, self.writer, "a", pods)

    def _settle(
        self, plan: Plan[InferenceAutoscalerStatus], read: InferenceAutoscalerSpec, given: Input
    ) -> None:
        wire = plan.status.wire()
        assert len(json.dumps(wire, separators=(",", ":"))) < 8192
        if plan.status.instant != self.status.instant and any(
            found.health is not Health.OK and found.name in COUNTED for found in plan.status.signals
        ):
            self.missing.append(plan.status.instant)
        self.finalizer = self.finalizer or plan.finalizer
        for write in plan.writes:
            assert write.resource_version == str(self.version)
            after = write.patch["spec"]["replicas"]
            least, most = read.min_replicas, read.max_replicas
            assert after >= least or self.replicas < least <= self.replicas + 1 or after >= least
            assert after <= most or after < self.replicas
            assert after != self.replicas
            if after == 0:
                assert plan.finalizer, "under our finalizer only"
            self.moves.append((plan.status.instant, self.replicas, after))
            self.replicas, self.writer = after, "modelyard"
            self.version += 1
        if given.lost and plan.writes:
            return
        self.status = InferenceAutoscalerStatus.model_validate(wire)
        if plan.record:
            self.recorded = self.status
        self.finalizer = self.finalizer and plan.finalizer

    def edit(self, **changes: Any) -> None:
        self.fields = {**self.fields, **changes}
        self.generation += 1

    def again(self, given: Input, **changes: Any) -> None:
        """One more turn, like another."""
        self.step(replace(given, **changes))
