"""The HorizontalPodAutoscaler of Kubernetes 1.37, one object, one look at a time.

Written from pkg/controller/podautoscaler/horizontal.go; ``hack.bench.autoscaler.real`` shows that
it decides as the controller does. What it leaves out: metrics of pods that are no longer there,
negative values, two autoscalers on one target, and edits of the spec between two looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hack.bench.autoscaler.hpa_behavior import (
    Behavior,
    Events,
    Recommendations,
    ceiling,
    floor,
)
from hack.bench.autoscaler.hpa_metrics import (
    STOCK,
    Fleet,
    Metric,
    Pod,
    Readiness,
    Tolerance,
    by_pods,
    by_value,
    group,
    serving,
)


@dataclass(frozen=True)
class HpaSpec:
    """The object's spec, and the flags of the controller that concern it, in seconds."""

    metrics: tuple[Metric, ...]
    max_replicas: int
    min_replicas: int = 1
    behavior: Behavior | None = None
    tolerance: float = 0.1
    downscale_stabilization: float = 300.0
    readiness: Readiness = STOCK


class Observed(NamedTuple):
    """What one look shows: a tuple, as the benchmark makes millions of them.

    ``spec`` and ``status`` are the replicas that are asked for and that there are; ``values`` are
    those of Object and External metrics in the order of the spec's metrics, a sum where there are
    several, None for a metric without a value or of pods.
    """

    spec: int
    status: int
    pods: Sequence[Pod] | Fleet = ()
    values: tuple[float | None, ...] = ()


class Hpa:
    """One autoscaler with the memory that the controller keeps of it."""

    def __init__(self, spec: HpaSpec) -> None:
        self._spec = spec
        behavior = spec.behavior
        down = behavior.down.window if behavior else None
        self._down = spec.downscale_stabilization if down is None else float(down)
        self._up = float(behavior.up.window or 0) if behavior else 0.0
        self._tolerance = _tolerance(spec)
        self._recommendations = Recommendations(max(self._up, self._down))
        self._added, self._removed = Events(), Events()
        self._of_pods = tuple(metric.is_of_pods for metric in spec.metrics)
        self._scaled_to_zero = False
        """Whether it went to zero by itself: a zero that another wrote means that it is off."""

    def step(self, now: float, observed: Observed) -> int:
        """The replicas that the look at ``now`` seconds ends with, written where they differ.

        Looks are in the order of time, and what one returns is what the next one observes unless
        another writer came between.
        """
        self.read(now, observed.spec)
        desired = self.decide(now, observed)
        if desired != observed.spec:
            self.written(now, observed.spec, desired)
        return desired

    def read(self, now: float, replicas: int) -> None:
        """The beginning of a step, where the scale was read."""
        self._recommendations.begin(replicas, now)

    def decide(self, now: float, observed: Observed) -> int:
        """The middle of a step: what is wanted, noted as a recommendation."""
        spec, current = self._spec, observed.spec
        if current == 0 and not self._scaled_to_zero:
            return 0
        if current > spec.max_replicas or 0 < current < spec.min_replicas:
            return min(max(current, spec.min_replicas), spec.max_replicas)
        wanted = self._wanted(now, observed)
        return current if wanted is None else self._held_back(now, current, wanted)

    def written(self, now: float, current: int, desired: int) -> None:
        """The end of a step, where the write of a change was answered."""
        self._scaled_to_zero = desired == 0 and not all(self._of_pods)
        behavior = self._spec.behavior
        if behavior is None:
            return
        if desired > current:
            self._added.store(desired - current, now, behavior.up.longest)
        else:
            self._removed.store(current - desired, now, behavior.down.longest)

    def _wanted(self, now: float, observed: Observed) -> int | None:
        """The highest of all metrics; None where too few are valid for a decision."""
        wanted, invalid = 0, 0
        for index in range(len(self._of_pods)):
            asked = self._asked(index, now, observed)
            if asked is None:
                invalid += 1
            elif wanted == 0 or asked > wanted:
                wanted = asked
        if invalid and (invalid == len(self._of_pods) or wanted < observed.spec):
            return None
        return wanted

    def _asked(self, index: int, now: float, observed: Observed) -> int | None:
        metric, (spec, status, pods, values) = self._spec.metrics[index], observed
        if self._of_pods[index]:
            found = group(metric, index, pods, now, self._spec.readiness)
            return by_pods(metric, found, spec, self._tolerance)
        return by_value(metric, values[index], spec, status, serving(pods), self._tolerance)

    def _held_back(self, now: float, current: int, wanted: int) -> int:
        spec, behavior, recent = self._spec, self._spec.behavior, self._recommendations
        if behavior is None:
            highest = recent.highest(wanted, now)
            most = min(spec.max_replicas, max(2 * current, 4))
            return spec.min_replicas if highest < spec.min_replicas else min(highest, most)
        wanted = recent.between(current, wanted, now, self._up, self._down)
        if wanted > current:
            most = ceiling(current, behavior.up, self._added, self._removed, now)
            return min(wanted, spec.max_replicas, most)
        if wanted < current:
            least = floor(current, behavior.down, self._added, self._removed, now)
            return max(wanted, spec.min_replicas, least)
        return wanted


def _tolerance(spec: HpaSpec) -> Tolerance:
    """Of both directions: of ``spec.behavior`` where it says so, else of the controller's flag."""
    up = spec.behavior.up.tolerance if spec.behavior else None
    down = spec.behavior.down.tolerance if spec.behavior else None
    return Tolerance(spec.tolerance if down is None else down, spec.tolerance if up is None else up)
