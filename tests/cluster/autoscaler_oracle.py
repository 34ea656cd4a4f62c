"""What the audit log says of replicas: who set how many, on which record, and whether it might."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.api.inferenceautoscaler.status import Health, InferenceAutoscalerStatus
from hack.cluster.cluster import Cluster
from tests.cluster.oracle import History, Request, by_non_leaders

COUNTED = frozenset({Role.DEMAND, Role.BACKLOG, Role.CONCURRENCY, Role.ACTIVATION})
"""The roles of signals without which nothing may be taken away."""
OURS = frozenset({
    "leases", "events", "inferenceautoscalers", "inferenceautoscalers/status", "deployments/scale",
    "statefulsets/scale",
})  # fmt: skip
"""All that the operator may write to."""


@dataclass(frozen=True)
class Scaling:
    """A change of the replicas of one target, with the autoscaler's last record before it."""

    request: Request
    before: int
    after: int
    spec: InferenceAutoscalerSpec | None
    status: InferenceAutoscalerStatus
    ours: bool

    @property
    def at(self) -> float:
        return self.request.ended

    def __str__(self) -> str:
        who = self.request.user.rpartition(":")[2]
        return f"  {self.at:.1f} {self.request.name} {self.before} -> {self.after} by {who}"


class Scalings:
    """All changes of replicas in one namespace, in order, and all that was put on record."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        operators: Collection[str] = frozenset(),
        since: float = 0.0,
    ) -> None:
        self.history = History(cluster, namespace, operators, since)
        kept = (one for one in self.history.requests if one.done and one.version)
        self._writes = sorted(kept, key=lambda one: one.version)

    def records(self) -> list[tuple[float, InferenceAutoscalerSpec, InferenceAutoscalerStatus]]:
        """Every status that was written, with when and the spec it was written beside."""
        return [
            (one.ended, *_parsed(one))
            for one in self._writes
            if one.resource == "inferenceautoscalers/status"
        ]

    def all(self) -> list[Scaling]:
        """Every change of a target's replicas, by anyone, the first number not among them."""
        found: list[Scaling] = []
        replicas: dict[str, int] = {}
        records: dict[str, tuple[InferenceAutoscalerSpec, InferenceAutoscalerStatus]] = {}
        for one in self._writes:
            if one.resource in {"inferenceautoscalers", "inferenceautoscalers/status"}:
                spec, status = _parsed(one)
                records[spec.target_ref.name] = spec, status
            elif one.resource in {"deployments", "deployments/scale"}:
                if one.verb == "delete":
                    replicas.pop(one.name, None)
                    continue
                before, after = replicas.get(one.name), int(one.body["spec"].get("replicas", 0))
                replicas[one.name] = after
                if before is not None and before != after:
                    spec_, status = records.get(one.name, (None, InferenceAutoscalerStatus()))
                    ours = one.user in self.history.operators
                    found.append(Scaling(one, before, after, spec_, status, ours))
        return found

    def ours(self) -> list[Scaling]:
        """Those that the operator made."""
        return [one for one in self.all() if one.ours]

    def path(self) -> list[int]:
        """The numbers that the operator set, in order."""
        return [one.after for one in self.ours()]

    def reversals(self) -> int:
        """How often the operator went down after its last change went up."""
        steps = [one.after > one.before for one in self.ours()]
        return sum(up and not then_up for up, then_up in pairwise(steps))


def check(scalings: Scalings, *, lowered: bool = False) -> None:
    """Every promise that holds in every story, whatever its end.

    ``lowered``: someone sets the maximum below what there is, so that decreases follow at once.
    """
    for asked in scalings.history.ours():
        assert not asked.done or asked.resource in OURS, f"wrote to what is not its own: {asked}"
    assert scalings.history.denied() == []
    assert not list(by_non_leaders(scalings.history))
    ours = scalings.ours()
    for one in ours:
        assert one.spec is not None
        least, most = one.spec.min_replicas, one.spec.max_replicas
        assert one.after >= min(least, most), f"below the minimum of {least}:{one}"
        assert one.after <= most or one.after < one.before, f"above the maximum of {most}:{one}"
    if lowered:
        return
    down = [one for one in ours if one.after < one.before]
    records = scalings.records()
    for one in down:
        _not_after_an_increase(one, ours)
        for at, what in _missing(records):
            held = one.spec.scale_down.hold if one.spec else 0.0
            # Instants are whole seconds.
            assert not one.at - held + 1.0 < at <= one.at, f"{what}, and then:{one}"
    if ours:
        hold = max(one.spec.scale_down.hold for one in ours if one.spec)
        bound = math.floor((ours[-1].at - ours[0].at) / hold) + 1
        assert scalings.reversals() <= bound


def _not_after_an_increase(down: Scaling, ours: list[Scaling]) -> None:
    """A number that was raised to is kept for a whole hold: the theorem against flapping."""
    hold = down.spec.scale_down.hold if down.spec else 0.0
    for up in ours:
        if up.after > up.before and down.at - hold + 1.0 < up.at < down.at:
            assert down.after >= up.after, f"taken away within its hold:{up}{down}"


def _missing(
    records: list[tuple[float, InferenceAutoscalerSpec, InferenceAutoscalerStatus]],
) -> Iterator[tuple[float, str]]:
    """The instants at which something that is counted was not known, as is on record, and what.

    A status may be put on record a while after the decision that it tells of.
    """
    for ended, spec, status in records:
        at = status.instant or ended
        roles = {signal.name: signal.role for signal in spec.signals}
        for one in status.signals:
            if one.health is not Health.OK and roles.get(one.name) in COUNTED:
                yield at, f"{one.name} was {one.health} at {at:.1f}"


def _parsed(one: Request) -> tuple[InferenceAutoscalerSpec, InferenceAutoscalerStatus]:
    return (
        InferenceAutoscalerSpec.model_validate(one.body["spec"]),
        InferenceAutoscalerStatus.model_validate(one.body.get("status") or {}),
    )
