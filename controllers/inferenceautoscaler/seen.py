"""What is seen of the world before a decision about an autoscaler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from controllers.api.inferenceautoscaler.status import RevisionCapacity
from controllers.plan import Resource
from controllers.readings import Answered, Query


class Outlook(Protocol):
    """What demand is expected over a time ahead, as ``controllers.stats.forecast`` finds it."""

    @property
    def trusted(self) -> bool:
        """Whether there is enough history to plan with it."""
        ...

    @property
    def why_not(self) -> str:
        """Why it is not trusted; empty: it is."""
        ...

    @property
    def model(self) -> str:
        """The name of the model in use."""
        ...

    @property
    def skill(self) -> float:
        """The share of the last value's loss that the model saved over the last day."""
        ...

    @property
    def coverage95(self) -> float:
        """How often a bound of 0.95 held over the last week; nan: not known."""
        ...

    @property
    def samples(self) -> int:
        """Minutes of history it rests on."""
        ...

    def upper(self, level: float, /) -> float:
        """The requests per second that the demand stays below with that probability."""
        ...


@dataclass(frozen=True, slots=True)
class Pod:
    """One replica of the target; times in unix seconds."""

    name: str
    revision: str
    created: float
    ready_at: float | None
    """When it became ready; None: it is not."""
    unplaced: str = ""
    """Why no node takes it; empty: one has."""
    restarts: int = 0
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What is scaled, as it is now."""

    resource: Resource
    uid: str
    resource_version: str
    replicas: int
    """Its ``spec.replicas``."""
    writer: str
    """The field manager that set them last; empty: not known."""
    revision: str
    """A digest of its pod template."""
    pods: tuple[Pod, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """The target as an arm of a ModelCanary."""

    canary: str
    run: int
    running: bool
    stable: bool
    """Whether it is the arm that holds the traffic, or gets it back."""
    weight: float
    """Its share of the route's traffic, from 0 to 1."""


@dataclass(frozen=True)
class Seen:
    """One look at the world."""

    target: Target | None
    """None where there is none."""
    refused: str = ""
    """Why the operator may not scale targets of this kind; empty: it may."""
    unserved: str = ""
    """Why the target or its pods cannot be read; empty: they can."""
    owner: str = ""
    """What else scales the target, such as ``HorizontalPodAutoscaler llm``; empty: nothing."""
    holder: str = ""
    """The name of an older InferenceAutoscaler of the same target; empty: there is none."""
    share: Share | None = None
    """The ModelCanary that the target is an arm of; None: there is none."""
    elsewhere: tuple[RevisionCapacity, ...] = ()
    """What was learned about the replicas of the other arm."""
    answers: Mapping[Query, Answered] = field(default_factory=dict)
    """What Prometheus answered to the queries that were needed."""
    outlook: Outlook | None = None
    """The forecast of demand over the start-up time; None: there is no history yet."""
    later: Outlook | None = None
    """The same over twice that time."""
