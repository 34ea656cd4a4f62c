"""What the users of ModelCanary write."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.base import Decimal, Duration, Label, Model, WholeSeconds, rules

Host = Annotated[str, Field(min_length=1, max_length=253)]
Percent = Annotated[int, Field(ge=0, le=100)]
Version = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
]


class Preset(StrEnum):
    """Whose counters are read."""

    ISTIO = "Istio"
    """``istio_requests_total`` and ``istio_request_duration_milliseconds``, as the caller reports."""
    ENVOY = "Envoy"
    """``envoy_cluster_upstream_rq`` and ``envoy_cluster_upstream_rq_time`` of the gateway itself."""


class GuardrailType(StrEnum):
    """What a guardrail watches."""

    ERROR_RATE = "ErrorRate"
    """The share of answers that are 5xx, candidate against stable, with an error guarantee."""
    LATENCY = "Latency"
    """The share of answers slower than an edge, candidate against stable, with an error guarantee."""
    THRESHOLD = "Threshold"
    """The value of a query against fixed limits, without any guarantee."""


class Effect(StrEnum):
    """What a failing threshold does."""

    HOLD = "Hold"
    """No weight is raised while it fails."""
    ROLLBACK = "Rollback"
    """All traffic goes back to stable once it has failed for its ``for``."""


class OnInconclusive(StrEnum):
    """What happens when the deadline passes without a verdict."""

    HOLD = "Hold"
    """The weight stays where it is until a person decides."""
    ROLLBACK = "Rollback"
    """All traffic goes back to stable."""
    PROMOTE = "Promote"
    """The candidate is promoted without its certificate, if nothing else speaks against it."""


class DeletionPolicy(StrEnum):
    """What the deletion of a canary does to a run."""

    RETURN_TO_STABLE = "ReturnToStable"
    """All traffic goes back to stable before the object is gone."""
    LEAVE = "Leave"
    """The weights stay as they are."""


def _same_destination(one: str, other: str) -> str:
    """CEL for two arms that are the same Istio destination.

    Written with has(): the server cannot bound the cost of ``.?subset.orValue('')`` and refuses it.
    """
    return f"{one}.host == {other}.host && " + " && ".join(
        f"(has({one}.{part}) ? has({other}.{part}) && {one}.{part} == {other}.{part} : !has({other}.{part}))"
        for part in ("subset", "port")
    )


class Arm(Model):
    """One of the two destinations that share the traffic."""

    model_config = rules(
        (
            _same_destination("self", "oldSelf"),
            "spec.arms: the destination of an arm is immutable: create a new ModelCanary instead",
        ),
    )

    name: Label
    """What this arm is called in ``release`` and in status, such as ``blue``."""
    host: Host
    """The ``destination.host`` in the VirtualService."""
    subset: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """The ``destination.subset``, where the route has one."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The ``destination.port.number``, where the route has one."""
    deployment: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """The Deployment behind the arm: without a ready replica it is given no traffic."""


class Release(Model):
    """Which arm shall hold the traffic, and with what version."""

    arm: Label
    """The name of one of the two arms."""
    version: Version
    """The version of the model that is on that arm; a new one starts a new run."""


class RouteRef(Model):
    """The VirtualService, in this namespace, whose weights are moved."""

    model_config = rules(
        ("self == oldSelf", "spec.routeRef is immutable: create a new ModelCanary instead"),
    )

    name: Host
    """The name of the VirtualService."""
    routes: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253)], ...],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ()
    """The names of its ``http`` routes; empty means the only one it has."""


class Pause(Model):
    """A step that waits for an approval; it has no settings."""


class Step(Model):
    """One weight on the way to all of the traffic."""

    weight: Annotated[int, Field(ge=1, le=99)]
    """The candidate's share of the two arms' traffic, in percent."""
    min_duration: Duration = Field(default="1m", validate_default=True)
    """How long the candidate is judged at this weight at least, in time that was really measured."""
    pause: Pause | None = None
    """Set to ``{}`` to wait for an approval after ``minDuration``."""


class Guardrail(Model):
    """One thing that must not get worse."""

    model_config = rules(
        (
            "self.type != 'Latency' || has(self.edge)",
            "spec.guardrails: a Latency guardrail needs edge, the duration above which an answer is slow, such as 250ms",
        ),
        (
            "self.type != 'Threshold' || (has(self.query) && (has(self.min) || has(self.max)))",
            "spec.guardrails: a Threshold guardrail needs query and at least one of min and max",
        ),
        (
            "self.type == 'Threshold' || (!has(self.query) && !has(self.min) && !has(self.max))",
            "spec.guardrails: query, min and max belong to a Threshold guardrail",
        ),
        (
            "!has(self.tolerance) || (double(self.tolerance) >= 1.0 && double(self.tolerance) <= 10.0)",
            "spec.guardrails: tolerance is a ratio from 1 to 10",
        ),
        (
            "self.type == 'Threshold' || (has(self.margin) ? double(self.margin) : self.type == 'Latency' ? 1.25 : 1.5)"
            " > (has(self.tolerance) ? double(self.tolerance) : 1.1)",
            "spec.guardrails: margin must be above tolerance",
        ),
        (
            "!has(self.margin) || double(self.margin) <= 20.0",
            "spec.guardrails: margin is a ratio of at most 20",
        ),
        (
            "!has(self.floor) || (double(self.floor) >= 0.0 && double(self.floor) <= 0.5)",
            "spec.guardrails: floor is a share from 0 to 0.5",
        ),
        (
            "!has(self.min) || !has(self.max) || double(self.min) <= double(self.max)",
            "spec.guardrails: min must not be above max",
        ),
    )

    name: Label
    """What this guardrail is called in status and events."""
    type: GuardrailType
    """What it watches."""
    preset: Preset = Preset.ISTIO
    """Whose counters are read (ErrorRate, Latency)."""
    tolerance: Decimal | None = None
    """The candidate may be this many times as bad as stable before it counts as a regression; 1.1 if unset."""
    margin: Decimal | None = None
    """A release is certified when it is shown to be less than this many times as bad as stable; 1.5 if unset, 1.25 for Latency."""
    floor: Decimal | None = None
    """A bad share that is good enough whatever stable does; 0.001 if unset, 0.01 for Latency, 0 for none."""
    edge: Duration | None = None
    """Latency: an answer slower than this is bad; must be one of the histogram's own bucket edges."""
    query: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """Threshold: PromQL that returns exactly one series."""
    min: Decimal | None = None
    """Threshold: the lowest value that passes."""
    max: Decimal | None = None
    """Threshold: the highest value that passes."""
    for_: Duration = Field(default="1m", alias="for", validate_default=True)
    """Threshold with ``effect: Rollback``: how long it must have failed."""
    effect: Effect = Effect.HOLD
    """Threshold: what a failure does."""


class ErrorBudget(Model):
    """How often a decision may be wrong."""

    model_config = rules(
        (
            "double(self.alpha) > 0.0 && double(self.alpha) <= 0.2",
            "spec.errorBudget.alpha is a probability above 0 and at most 0.2",
        ),
        (
            "double(self.beta) > 0.0 && double(self.beta) <= 0.2",
            "spec.errorBudget.beta is a probability above 0 and at most 0.2",
        ),
    )

    alpha: Decimal = Field(default="0.05", validate_default=True)
    """The chance that a release within the tolerance is ever rolled back, over all guardrails, looks and steps."""
    beta: Decimal = Field(default="0.05", validate_default=True)
    """The chance that a release at or beyond a margin is ever certified, per guardrail."""


class Analysis(Model):
    """How measurements are taken."""

    model_config = rules(
        (
            "duration(self.scrapeInterval) >= duration('1s')",
            "spec.analysis.scrapeInterval must be at least 1s",
        ),
        (
            "duration(self.interval) >= duration(self.scrapeInterval)",
            "spec.analysis.interval must not be shorter than spec.analysis.scrapeInterval",
        ),
        (
            "duration(self.interval) <= duration('10m')",
            "spec.analysis.interval must be at most 10m",
        ),
    )

    interval: WholeSeconds = Field(default="15s", validate_default=True)
    """The length of one block of evidence."""
    scrape_interval: WholeSeconds = Field(default="15s", validate_default=True)
    """How often Prometheus scrapes the counters."""


class NoData(Model):
    """What counts as too little to judge."""

    grace: Duration = Field(default="2m", validate_default=True)
    """How long measurements may be missing before a Warning event says so."""
    min_candidate_requests: Annotated[int, Field(ge=0, le=1_000_000_000)] = 100
    """No step is taken before the candidate has answered this many requests in the run."""


class ModelCanarySpec(Model):
    """The state of the traffic that shall be reached, and the care to take on the way."""

    model_config = rules(
        (
            "self.arms[0].name != self.arms[1].name",
            "spec.arms: the two arms must have different names",
        ),
        (
            f"!({_same_destination('self.arms[0]', 'self.arms[1]')})",
            "spec.arms: the two arms must be different destinations (host, subset or port)",
        ),
        (
            "self.arms.all(a, oldSelf.arms.exists(b, b.name == a.name))",
            "spec.arms: the names of the arms are immutable: create a new ModelCanary instead",
        ),
        (
            "self.arms.exists(a, a.name == self.release.arm)",
            "spec.release.arm must be the name of one of spec.arms",
        ),
        (
            "self.steps.map(s, s.weight).isSorted()"
            " && self.steps.all(a, self.steps.exists_one(b, b.weight == a.weight))",
            "spec.steps: each weight must be above the one before it",
        ),
        (
            "self.guardrails.exists(g, g.type != 'Threshold')",
            "spec.guardrails: at least one must be of type ErrorRate or Latency",
        ),
        (
            "self.guardrails.filter(g, g.type != 'Threshold').size() <= 3",
            "spec.guardrails: at most 3 may be of type ErrorRate or Latency",
        ),
    )

    arms: Annotated[
        tuple[Arm, ...],
        Field(
            min_length=2,
            max_length=2,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ]
    """The two destinations that share the traffic."""
    release: Release
    """Who shall hold the traffic; a change of it starts a run."""
    route_ref: RouteRef
    """The route whose weights are moved."""
    steps: Annotated[
        tuple[Step, ...],
        Field(min_length=1, max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ]
    """The weights on the way, ascending; after the last one all of the traffic follows."""
    guardrails: Annotated[
        tuple[Guardrail, ...],
        Field(
            min_length=1,
            max_length=6,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ]
    """What must not get worse."""
    error_budget: ErrorBudget = ErrorBudget()
    """How often a decision may be wrong."""
    analysis: Analysis = Analysis()
    """How measurements are taken."""
    deadline: Duration = Field(default="2h", validate_default=True)
    """How long a run is judged at most, in time that was really measured."""
    on_inconclusive: OnInconclusive = OnInconclusive.HOLD
    """What happens when the deadline passes without a verdict."""
    no_data: NoData = NoData()
    """What counts as too little to judge."""
    suspend: bool = False
    """Raise no weight while true; a regression still returns the traffic to stable."""
    approve: Version | None = None
    """Approves every pause of every run of this version, for those who approve in Git."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETURN_TO_STABLE
    """What the deletion of this object does to a run."""
