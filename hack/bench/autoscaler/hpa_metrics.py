"""What one metric of a HorizontalPodAutoscaler asks for: the controller's replica calculator.

Kubernetes 1.37, pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go. The
controller counts in whole thousandths and divides them as integers; so does this.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MOST = 2**31 - 1


class Source(StrEnum):
    RESOURCE = "Resource"
    PODS = "Pods"
    OBJECT = "Object"
    EXTERNAL = "External"


class Target(StrEnum):
    UTILIZATION = "Utilization"
    AVERAGE_VALUE = "AverageValue"
    VALUE = "Value"


class Phase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class Metric:
    """One entry of ``spec.metrics``; ``goal`` in percent for a utilisation, else in its unit."""

    source: Source
    target: Target
    goal: float
    resource: str = "cpu"

    @property
    def is_of_pods(self) -> bool:
        """Whether there is a value per pod, not one for all of them."""
        return self.source in {Source.RESOURCE, Source.PODS}


class Sample(NamedTuple):
    """The value of one pod's metric, measured over the ``window`` seconds before ``at``."""

    value: float
    at: float = 0.0
    window: float = 60.0


class Pod(NamedTuple):
    """A pod that the target selects, at one instant.

    ``ready`` is its Ready condition, None where it has none, ``changed`` when that last changed,
    ``request`` what it requests of the resource, ``samples`` its metrics in the order of the spec:
    None where the metrics API has none, or where the metric is no metric of pods.
    """

    samples: tuple[Sample | None, ...]
    phase: Phase = Phase.RUNNING
    ready: bool | None = True
    started: float | None = 0.0
    changed: float = 0.0
    request: float | None = 1.0
    deleting: bool = False

    @property
    def serves(self) -> bool:
        """Whether a target of type Value multiplies by it; a pod on its way out counts too."""
        return self.phase is Phase.RUNNING and self.ready is True


class Fleet(NamedTuple):
    """Pods that need not be told apart: one request and, for each metric, one mean.

    ``ready``: pods whose metrics count; ``unready``: Pending ones and, for cpu, those that are
    starting; ``missing``: running ones without metrics; ``means``: of the ready ones, in the order
    of the spec's metrics, None for a metric that no pod has; ``serving``: Running and Ready, where
    that is not the same as ``ready``.
    """

    ready: int
    unready: int = 0
    missing: int = 0
    means: tuple[float | None, ...] = ()
    request: float = 1.0
    serving: int | None = None


class Group(NamedTuple):
    """The pods as one metric sees them; sums in thousandths, ``fill`` as of ``_fill``."""

    ready: int = 0
    total: int = 0
    requested: int = 0
    unready: int = 0
    unready_requested: int = 0
    missing: int = 0
    missing_requested: int = 0
    fill: int = 0


@dataclass(frozen=True)
class Readiness:
    """Flags of kube-controller-manager, in seconds, that concern a cpu metric only."""

    cpu_initialization: float = 300.0
    initial_delay: float = 30.0


STOCK = Readiness()


@dataclass(frozen=True)
class Tolerance:
    """How far a ratio may be from one without a change."""

    down: float = 0.1
    up: float = 0.1

    def holds(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def milli(value: float) -> int:
    """Thousandths, rounded up as a Quantity is; a float's own error is no thousandth."""
    return math.ceil(round(value * 1000.0, 6))


def group(
    metric: Metric, index: int, pods: Sequence[Pod] | Fleet, now: float, readiness: Readiness
) -> Group | None:
    """The pods as that metric sees them; None where the controller finds the metric invalid."""
    if isinstance(pods, Fleet):
        return _of_fleet(metric, pods, pods.means[index])
    if metric.target is Target.UTILIZATION and any(pod.request is None for pod in pods):
        return None
    found = Group()
    for pod in pods:
        found = _with(found, metric, pod, pod.samples[index], now, readiness)
    return found


def serving(pods: Sequence[Pod] | Fleet) -> int | None:
    """How many pods are Running and Ready; None where there is no pod at all."""
    if isinstance(pods, Fleet):
        if pods.ready + pods.unready + pods.missing == 0:
            return None
        return pods.ready if pods.serving is None else pods.serving
    return sum(pod.serves for pod in pods) if pods else None


def by_pods(metric: Metric, group: Group | None, replicas: int, tolerance: Tolerance) -> int | None:
    """Replicas by a metric with a value per pod; None: invalid."""
    if group is None or group.ready == 0:
        return None
    ratio = _ratio(metric, group.total, group.ready, group.requested)
    if ratio is None:
        return None
    rising = group.unready > 0 and ratio > 1.0
    if not rising and group.missing == 0:
        return replicas if tolerance.holds(ratio) else math.ceil(ratio * group.ready)
    total, count, requested = group.total, group.ready, group.requested
    if ratio != 1.0:
        total += group.fill if ratio < 1.0 else 0
        count += group.missing
        requested += group.missing_requested
    if rising:
        count += group.unready
        requested += group.unready_requested
    return _careful(ratio, _ratio(metric, total, count, requested), count, replicas, tolerance)


def by_value(
    metric: Metric,
    value: float | None,
    spec: int,
    status: int,
    serving: int | None,
    tolerance: Tolerance,
) -> int | None:
    """Replicas by an Object or External metric, one value for all pods; None: invalid.

    A target of type Value multiplies the pods that serve, one of type AverageValue divides the
    value and asks only whether that is far from what ``status`` counts.
    """
    if value is None:
        return None
    usage, goal = milli(value), milli(metric.goal)
    if metric.target is Target.AVERAGE_VALUE:
        if status and tolerance.holds(usage / (goal * status)):
            return status
        return min(math.ceil(usage / goal), MOST)
    ratio = usage / goal
    if spec == 0:
        return math.ceil(ratio)
    if tolerance.holds(ratio):
        return spec
    return None if serving is None else min(math.ceil(ratio * serving), MOST)


def _careful(
    ratio: float, filled: float | None, count: int, replicas: int, tolerance: Tolerance
) -> int | None:
    """The ratio once unknown pods are filled in decides, unless it turns the direction round."""
    if filled is None:
        return None
    if tolerance.holds(filled) or (ratio < 1.0 < filled) or (filled < 1.0 < ratio):
        return replicas
    asked = math.ceil(filled * count)
    turned = asked > replicas if filled < 1.0 else asked < replicas
    return replicas if turned else asked


def _ratio(metric: Metric, total: int, count: int, requested: int) -> float | None:
    if metric.target is Target.UTILIZATION:
        return (total * 100 // requested) / metric.goal if requested else None
    return (total // count) / milli(metric.goal)


def _fill(metric: Metric, request: int) -> int:
    """What a pod without the metric is taken to use, where the others use less than the goal."""
    if metric.target is Target.UTILIZATION:
        return request * max(100, int(metric.goal)) // 100
    return milli(metric.goal)


def _of_fleet(metric: Metric, fleet: Fleet, mean: float | None) -> Group | None:
    if mean is None:
        return None
    request = milli(fleet.request) if metric.target is Target.UTILIZATION else 0
    return Group(
        fleet.ready,
        round(mean * 1000.0 * fleet.ready),
        request * fleet.ready,
        fleet.unready,
        request * fleet.unready,
        fleet.missing,
        request * fleet.missing,
        _fill(metric, request) * fleet.missing,
    )


def _with(
    group: Group, metric: Metric, pod: Pod, sample: Sample | None, now: float, readiness: Readiness
) -> Group:
    if pod.deleting or pod.phase is Phase.FAILED:
        return group
    request = milli(pod.request or 0.0)
    if pod.phase is not Phase.PENDING and sample is None:
        return group._replace(
            missing=group.missing + 1,
            missing_requested=group.missing_requested + request,
            fill=group.fill + _fill(metric, request),
        )
    if sample is None or pod.phase is Phase.PENDING or _starts(metric, pod, sample, now, readiness):
        return group._replace(
            unready=group.unready + 1, unready_requested=group.unready_requested + request
        )
    return group._replace(
        ready=group.ready + 1,
        total=group.total + milli(sample.value),
        requested=group.requested + request,
    )


def _starts(metric: Metric, pod: Pod, sample: Sample, now: float, readiness: Readiness) -> bool:
    """Whether the cpu of a running pod does not count yet; every other metric does at once."""
    if metric.source is not Source.RESOURCE or metric.resource != "cpu":
        return False
    if pod.ready is None or pod.started is None:
        return True
    if pod.started + readiness.cpu_initialization > now:
        return not pod.ready or sample.at < pod.changed + sample.window
    return not pod.ready and pod.started + readiness.initial_delay > pod.changed
