"""What an InferenceAutoscaler tells its users."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from controllers.api.base import Conditions, Decimal, Duration, Instant, Model
from controllers.api.inferenceautoscaler.fit import fit

Count = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(max_length=63)]


class Health(StrEnum):
    """Whether a signal can be relied on."""

    OK = "Ok"
    """A value."""
    ABSENT = "Absent"
    """The query matched no series."""
    STALE = "Stale"
    """The newest sample is too old."""
    NOT_FINITE = "NotFinite"
    """NaN, infinite or negative."""
    FAILED = "Failed"
    """The query was refused or not answered in time."""
    AMBIGUOUS = "Ambiguous"
    """Several series where one is wanted."""
    PARTIAL = "Partial"
    """Fewer samples than a little earlier: some of what is counted is not scraped."""
    WARMING = "Warming"
    """Replicas that have only just got ready are not scraped yet."""


class Direction(StrEnum):
    """Which way the replicas went."""

    UP = "Up"
    DOWN = "Down"
    STAY = "Stay"


class Replicas(Model):
    """The replicas of the target."""

    current: Count = 0
    """What its ``spec.replicas`` says."""
    ready: Count = 0
    """Those that are ready."""
    starting: Count = 0
    """Those that are not ready yet."""
    pending: Count = 0
    """Those among them that no node has room for."""
    desired: Count = 0
    """What was decided; written to the target in mode Active."""


class Asked(Model):
    """What one reason asked for."""

    reason: Word
    """Who asked, such as Demand, Forecast or Schedule."""
    replicas: Count
    """How many replicas."""
    message: Annotated[str, Field(max_length=160)] = ""
    """The numbers behind it."""


class Decision(Model):
    """The last decision, with what led to it."""

    direction: Direction = Direction.STAY
    """Which way the replicas went."""
    asked: Annotated[
        tuple[Asked, ...],
        Field(max_length=10, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """What each reason asked for; the largest counts."""
    held: Annotated[
        tuple[Annotated[str, Field(max_length=160)], ...],
        Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """What kept replicas from being taken away."""
    limited_by: Word = ""
    """What else made the number: Maximum, ScaleUp, ScaleDown or NotStarting."""


class Demand(Model):
    """Requests per second: what arrives now, and what is planned for."""

    now: Decimal | None = None
    """What arrives."""
    upper: Decimal | None = None
    """What it stays below over ``horizon`` with probability ``quantile``."""
    horizon: Duration | None = None
    """How far is looked ahead: a start-up and two intervals."""
    quantile: Decimal | None = None
    """The probability in use."""
    reserve: Decimal | None = None
    """The multiple of ``now`` kept ready."""
    model: Word = ""
    """The forecast in use."""
    skill: Decimal | None = None
    """The share of the last value's loss in a day that it saves."""
    coverage: Decimal | None = None
    """How often a bound of 0.95 held over the last week."""
    samples: Count = 0
    """Minutes of history that the forecast rests on."""


class RevisionCapacity(Model):
    """What was learned about the replicas of one revision."""

    revision: Word
    """The digest of the pod template."""
    low: Decimal | None = None
    """Requests/s and replica answered while the SLO was met."""
    high: Decimal | None = None
    """Requests/s and replica answered while requests queued."""
    error: Decimal | None = None
    """The standard error of ``high``."""
    samples: Count = 0
    """How many measurements ``high`` rests on."""
    met: Count = 0
    """How many measurements ``low`` rests on."""


class CapacityStatus(Model):
    """What one replica can do."""

    per_replica: Decimal | None = None
    """Requests/s that are planned with."""
    source: Word = ""
    """Given, Learned, or Concurrency while neither is known."""
    revisions: Annotated[
        tuple[RevisionCapacity, ...],
        Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """What was learned, newest revision last."""


class StartupStatus(Model):
    """How long replicas took to be ready."""

    p50: Duration | None = None
    """Half of them took at most this."""
    p90: Duration | None = None
    """Nine of ten took at most this; planned with."""
    recent: Annotated[
        tuple[Annotated[int, Field(ge=0, le=100_000)], ...],
        Field(max_length=50, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """The last ones, in seconds, newest last."""
    learned_until: Instant = 0
    """Replicas that got ready up to here are among them."""
    all_ready: Instant = 0
    """When all replicas were last ready; those made later start for the first time."""


class SloStatus(Model):
    """How the promise is kept."""

    attained: Decimal | None = None
    """The share of requests within the Latency signal's limit over ``spec.slo.window``."""
    missed_for: Count = 0
    """Decisions in a row that saw less than the objective."""


class SignalStatus(Model):
    """What one signal says."""

    name: Word
    """The signal."""
    health: Health
    """Whether it can be relied on."""
    value: Decimal | None = None
    """Its value."""
    expected: Decimal | None = None
    """How many samples there are usually."""
    message: Annotated[str, Field(max_length=200)] = ""
    """Why there is no value."""


class Ask(Model):
    """A number of replicas that was asked for, until it is out of the window."""

    at: Instant
    """When it was last asked for."""
    replicas: Count
    """How many."""


class Pace(Model):
    """Where a limited change began."""

    at: Instant = 0
    """When the period began."""
    replicas: Count = 0
    """How many replicas there were."""


class Scaled(Model):
    """A change of the replicas that was written."""

    at: Instant
    """When."""
    from_replicas: Count
    """How many there were."""
    to_replicas: Count
    """How many were asked for."""
    reason: Word
    """Who asked."""


class Floor(Model):
    """The replicas that stable had when a run of a ModelCanary began."""

    canary: Annotated[str, Field(max_length=253)]
    """The ModelCanary."""
    run: Count
    """Its run."""
    replicas: Count
    """Kept until the run ends."""


class InferenceAutoscalerStatus(Model):
    """What is known, what was decided and why."""

    observed_generation: Count = 0
    """The generation that this status is about."""
    reason: Word = ""
    """The last decision in one word."""
    message: Annotated[str, Field(max_length=512)] = ""
    """The last decision in a sentence, with its numbers."""
    replicas: Replicas = Replicas()
    """The replicas of the target."""
    decision: Decision = Decision()
    """What each reason asked for, and what limited it."""
    demand: Demand = Demand()
    """Requests per second, now and ahead."""
    capacity: CapacityStatus = CapacityStatus()
    """What one replica can do."""
    startup: StartupStatus = StartupStatus()
    """How long a replica takes to be ready."""
    slo: SloStatus = SloStatus()
    """How the promise is kept."""
    signals: Annotated[
        tuple[SignalStatus, ...],
        Field(
            max_length=8,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = ()
    """What each signal says."""
    reversals24h: Annotated[int, Field(ge=0, alias="reversals24h")] = 0
    """How often they went up and then down in 24 hours, at most 50."""
    reversals: Annotated[
        tuple[Instant, ...],
        Field(max_length=50, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """When they did."""
    last_scaled: Scaled | None = None
    """The last change that was written."""
    instant: Instant = 0
    """The instant of the last measurement."""
    blind_for: Duration = 0.0
    """How long the load could not be measured."""
    idle_for: Duration = 0.0
    """How long no signal has seen a request."""
    starved_for: Duration = 0.0
    """How long none of those that start got ready."""
    window: Annotated[
        tuple[Ask, ...],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """The largest numbers asked for lately: nothing goes below them."""
    rising: Pace = Pace()
    """Where the increases of this period began."""
    falling: Pace = Pace()
    """Where the decreases of this period began."""
    resets: Annotated[
        tuple[Instant, ...],
        Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """When someone else last changed the replicas."""
    floor: Floor | None = None
    """What the run of a ModelCanary keeps."""
    target_uid: Annotated[str, Field(max_length=63)] = ""
    """The target that was last seen."""
    conditions: Conditions = ()
    """The aspects that tools and people look at."""

    def wire(self) -> dict[str, Any]:
        """As it is put on record, in at most 8 KiB: texts are cut where it would be larger."""
        return fit(super().wire())
