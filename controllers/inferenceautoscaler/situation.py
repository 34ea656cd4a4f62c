"""What the signals, taken together, say about the load, and what they do not let be decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.api.base import decimal
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Preset, Role
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.inferenceautoscaler.capacity import Work
from controllers.inferenceautoscaler.queries import WINDOW
from controllers.inferenceautoscaler.seen import Pod, Target
from controllers.inferenceautoscaler.signals import Measured

COUNTED = frozenset({Role.DEMAND, Role.BACKLOG, Role.CONCURRENCY, Role.ACTIVATION})
"""The roles that say how much there is to do."""


@dataclass(frozen=True)
class Situation:
    """The load as far as it is known; None is not known."""

    demand: float | None
    lately: float | None
    backlog: float | None
    in_flight: float | None
    activation: float | None
    met: float | None
    """The share of requests within the limit."""
    throughput: float | None
    unknown: tuple[str, ...]
    """Signals of what there is to do that cannot be relied on: while there is one, and for a whole
    hold after it, nothing is taken away."""
    held: tuple[str, ...]
    """What else forbids to take replicas away now."""
    blind: bool
    """Whether nothing is known that a number of replicas follows from."""

    @property
    def idle(self) -> bool:
        """Whether every signal is known and there is nothing to do."""
        counted = (self.demand, self.backlog, self.in_flight, self.activation)
        return not self.unknown and not any(counted)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do, seen from outside the pods or inside."""
        return any((self.demand, self.backlog, self.in_flight, self.activation))


def situation(measured: Sequence[Measured], *, rate: bool, concurrency: bool) -> Situation:
    """The load, from all signals of one instant.

    ``rate`` and ``concurrency`` say what is known of a replica, and so what the load is held
    against.
    """
    by = {one.signal.role: one for one in measured if one.signal.role is not Role.GUARD}

    def value(role: Role) -> float | None:
        return by[role].value if role in by else None

    demand = by.get(Role.DEMAND)
    arrivals = demand is not None and demand.signal.preset is Preset.ENVOY
    return Situation(
        demand=value(Role.DEMAND),
        lately=demand.lately if demand else None,
        backlog=value(Role.BACKLOG),
        in_flight=value(Role.CONCURRENCY),
        activation=value(Role.ACTIVATION),
        met=value(Role.LATENCY),
        throughput=(demand.throughput if arrivals else demand.value) if demand else None,
        unknown=tuple(
            f"{one.signal.name} is {one.status.health}"
            for one in measured
            if one.signal.role in COUNTED and not one.ok
        ),
        held=tuple(_guards(measured)),
        blind=not (rate and value(Role.DEMAND) is not None)
        and not (concurrency and value(Role.CONCURRENCY) is not None),
    )


def _guards(measured: Sequence[Measured]) -> list[str]:
    held = []
    for one in measured:
        if one.signal.role in COUNTED:
            continue
        if not one.ok:
            held.append(f"{one.signal.name} is {one.status.health}")
        elif one.signal.max is not None and one.value is not None and one.value > one.signal.max:
            held.append(
                f"{one.signal.name} is {decimal(one.value, 4)}, above {decimal(one.signal.max, 4)}"
            )
    return held


def work(
    spec: InferenceAutoscalerSpec,
    status: InferenceAutoscalerStatus,
    target: Target,
    ready: int,
    found: Situation,
    at: int,
) -> Work:
    """What the replicas did until ``at``, as far as their capacity can be learned from it.

    They are saturated where requests wait, or where each has as many as it works on at a time, now
    and at the last decision. They were the same ones if none came or went in the window that the
    throughput is taken over; others may be starting, but not of another revision.
    """
    before = {one.name: one.value for one in status.signals}
    last = {one.role: before.get(one.name) for one in spec.signals}
    saturated: bool | None = None
    if found.backlog is not None:
        saturated = min(found.backlog, last[Role.BACKLOG] or 0.0) > 0
    elif found.in_flight is not None and spec.capacity.concurrency is not None:
        full = 0.95 * spec.capacity.concurrency * ready
        saturated = min(found.in_flight, last[Role.CONCURRENCY] or 0.0) >= full
    since = at - WINDOW * spec.analysis.scrape_interval
    return Work(
        revision=target.revision,
        throughput=None if found.unknown else found.throughput,
        ready=ready,
        steady=_stayed(target.pods, since) and not _reduced(status, since),
        saturated=saturated,
        met=None if found.met is None else found.met >= spec.slo.objective,
    )


def _stayed(pods: Sequence[Pod], since: float) -> bool:
    stayed = all(one.ready_at is None or one.ready_at <= since for one in pods)
    whole = not any(one.leaving for one in pods)
    return stayed and whole and len({one.revision for one in pods}) == 1


def _reduced(status: InferenceAutoscalerStatus, since: float) -> bool:
    """Whether we took replicas away, or someone else set them."""
    last = status.last_scaled
    ours = last is not None and last.to_replicas < last.from_replicas and last.at > since
    return ours or any(one > since for one in status.resets)
