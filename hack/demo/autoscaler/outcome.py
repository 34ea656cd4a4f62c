"""How it went: who had the replicas in time, whose requests were late, and what that cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.stats.queueing import Service, Wait, replicas


def needed(spec: InferenceAutoscalerSpec, demand: float) -> int:
    """The fewest replicas that carry so many requests a second and keep the promise of the spec.

    Of requests that come as they like (Poisson): the plans of both autoscalers are more cautious.
    """
    if spec.capacity.requests_per_second is None:
        raise LookupError("spec.capacity.requestsPerSecond is what the demo counts with")
    service = Service(spec.capacity.requests_per_second, spec.capacity.concurrency or 1)
    allowed = Wait(spec.slo.wait, 1.0 - spec.slo.objective)
    return replicas(demand, service, allowed, spec.max_replicas)


class Supply:
    """Counts replicas while they come and go."""

    def __init__(self) -> None:
        self.replica_seconds = 0.0
        """From the making of a pod to its deletion, ready or not."""
        self._last: tuple[float, int] | None = None

    def note(self, now: float, pods: int) -> None:
        """There are so many pods at ``now`` (monotonic clock)."""
        if self._last is not None:
            before, there = self._last
            self.replica_seconds += there * (now - before)
        self._last = now, pods


@dataclass(frozen=True)
class Outcome:
    """How one of the two did."""

    name: str
    ready: int
    """Replicas that were ready when the peak began."""
    answers: int
    late: int
    peak_answers: int
    peak_late: int
    replica_seconds: float

    @property
    def missed(self) -> float:
        """The share of requests that were late."""
        return self.late / self.answers if self.answers else 1.0


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100.0 * share:.1f} %"


def summary(ours: Outcome, theirs: Outcome, need: int) -> tuple[str, ...]:
    """A line for each."""
    return tuple(_line(one, need) for one in (ours, theirs))


def _line(one: Outcome, need: int) -> str:
    in_peak = one.peak_late / max(one.peak_answers, 1)
    return (
        f"{one.name}: {one.ready} replicas ready when the peak began, {need} needed; "
        f"{percent(one.missed)} of {one.answers:,} requests late ({percent(in_peak)} of those in "
        f"the peak); "
        f"{one.replica_seconds:,.0f} replica-seconds"
    )


def problems(ours: Outcome, theirs: Outcome, need: int, *, trusted: bool) -> Sequence[str]:
    """What was to be shown and was not; empty: it went as it should."""
    found = []
    if not trusted:
        found.append("the forecast was not trusted before the peak")
    if ours.ready < need:
        found.append(f"{ours.ready} replicas were ready when the peak began, {need} were needed")
    if not ours.answers:
        found.append(f"{ours.name} answered nothing")
    if ours.missed >= theirs.missed:
        found.append(f"{ours.name} had no fewer late answers than {theirs.name}")
    return found
