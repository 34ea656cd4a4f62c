"""What the demo of the autoscaler shows at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus


@dataclass(frozen=True)
class Side:
    """One of the two workloads, and its requests as their senders see them."""

    asked: int = 0
    """What its ``spec.replicas`` says."""
    pods: int = 0
    ready: int = 0
    answers: int = 0
    late: int = 0
    lately: float = 0.0
    """The share of the answers of the last seconds that were late."""
    slow: float = 0.0
    """Seconds that one of twenty of these took longer than."""


@dataclass(frozen=True)
class Told:
    """One event: whom it is about and what was decided, and the numbers behind it."""

    reason: str
    message: str


@dataclass(frozen=True)
class Moment:
    """What there was at a second of the traffic."""

    second: float
    demand: float
    ready: Mapping[str, int]


@dataclass(frozen=True)
class Scene:
    """One look; seconds count from when the traffic began."""

    seconds: float
    begins: float
    """The second at which the peak begins."""
    ends: float
    demand: float
    """Requests a second that each of the two is sent."""
    sides: Mapping[str, Side]
    status: InferenceAutoscalerStatus
    trail: tuple[Moment, ...] = ()
    events: tuple[tuple[float, Told], ...] = ()
    """What was told so far with its second, oldest first."""
