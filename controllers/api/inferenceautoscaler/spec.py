"""What the users of InferenceAutoscaler write."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.base import Decimal, Duration, Label, Model, WholeSeconds, rules

Name = Annotated[str, Field(min_length=1, max_length=253)]
Replicas = Annotated[int, Field(ge=0, le=10_000)]
Percent = Annotated[int, Field(ge=1, le=1000)]


class Mode(StrEnum):
    """What is done with a decision."""

    ACTIVE = "Active"
    """The target is scaled."""
    ADVISORY = "Advisory"
    """Everything is measured, decided and explained in status; nothing is written."""


class Role(StrEnum):
    """What a signal is used for."""

    DEMAND = "Demand"
    """Requests per second that arrive, answered or not."""
    BACKLOG = "Backlog"
    """Requests that wait for a replica."""
    CONCURRENCY = "Concurrency"
    """Requests that are being worked on or wait."""
    LATENCY = "Latency"
    """The share of requests that were answered within ``limit``."""
    GUARD = "Guard"
    """A value above ``max`` keeps replicas from being taken away; it never adds any."""
    ACTIVATION = "Activation"
    """Requests per second or waiting, measured outside the pods: what wakes a target from zero."""


class Preset(StrEnum):
    """Whose counters are read."""

    ISTIO = "Istio"
    """``istio_requests_total``: completed requests, a lower bound of demand while requests queue."""
    ENVOY = "Envoy"
    """The gateway's own counters: arrivals, requests in flight and pending."""
    VLLM = "Vllm"
    """vLLM's own metrics, scraped from each pod with the labels ``namespace`` and ``pod``."""
    TRITON = "Triton"
    """Triton's own metrics, scraped from each pod with the labels ``namespace`` and ``pod``."""


class Scope(StrEnum):
    """Whose requests a signal counts."""

    WORKLOAD = "Workload"
    """Those of the target."""
    ROUTE = "Route"
    """Those of the whole route: during a ModelCanary the target's share of them is its weight."""


class ForecastMode(StrEnum):
    """Whether demand is forecast."""

    AUTO = "Auto"
    """Where a model has shown skill on the demand of the last day; else the last value is used."""
    OFF = "Off"
    """Never."""


class TargetRef(Model):
    """What is scaled, in this namespace."""

    model_config = rules(
        (
            "self == oldSelf",
            "spec.targetRef is immutable: create a new InferenceAutoscaler instead",
        ),
    )

    api_version: Annotated[str, Field(min_length=1, max_length=253)] = "apps/v1"
    """Its API version."""
    kind: Annotated[str, Field(min_length=1, max_length=63)] = "Deployment"
    """Its kind: one that the operator may scale, by default Deployment or StatefulSet."""
    name: Name
    """Its name."""


class Service(Model):
    """The Istio destination whose requests the target answers."""

    host: Name
    """The ``destination.host`` of its routes."""
    subset: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """The ``destination.subset``, where the routes have one."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The ``destination.port.number``; needed by preset Envoy."""


class Slo(Model):
    """What users of the model are promised."""

    model_config = rules(
        (
            "double(self.objective) >= 0.5 && double(self.objective) <= 0.9999",
            "spec.slo.objective is a share from 0.5 to 0.9999",
        ),
    )

    objective: Decimal = Field(default="0.99", validate_default=True)
    """The share of requests for which it shall hold."""
    wait: Duration = Field(default="1s", validate_default=True)
    """How long a request may wait before a replica begins to work on it."""
    window: Duration = Field(default="1h", validate_default=True)
    """Over which time the attainment in status is taken."""


class Signal(Model):
    """One thing that is measured."""

    model_config = rules(
        (
            "has(self.preset) != has(self.query)",
            "spec.signals: each needs preset or query, and not both",
        ),
        (
            "!has(self.preset) || self.preset in {'Demand': ['Istio', 'Envoy', 'Triton'],"
            " 'Backlog': ['Envoy', 'Vllm', 'Triton'], 'Concurrency': ['Envoy', 'Vllm'],"
            " 'Latency': ['Istio', 'Envoy', 'Vllm'], 'Guard': ['Vllm', 'Triton'],"
            " 'Activation': ['Istio', 'Envoy']}[self.role]",
            "spec.signals: the preset does not measure this role. Demand: Istio, Envoy, Triton;"
            " Backlog: Envoy, Vllm, Triton; Concurrency: Envoy, Vllm; Latency: Istio, Envoy, Vllm;"
            " Guard: Vllm, Triton; Activation: Istio, Envoy",
        ),
        (
            "(self.role == 'Guard') == has(self.max)",
            "spec.signals: max belongs to a Guard, and each Guard needs it",
        ),
        (
            "(self.role == 'Latency' && has(self.preset)) == has(self.limit)",
            "spec.signals: limit belongs to a Latency signal with a preset, and each such needs it",
        ),
    )

    name: Label
    """What this signal is called in status."""
    role: Role
    """What it is used for."""
    preset: Preset | None = None
    """Whose counters are read."""
    query: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """PromQL that returns exactly one series, and none where there is no measurement."""
    scope: Scope = Scope.WORKLOAD
    """Whose requests it counts."""
    max: Decimal | None = None
    """Guard: the highest value at which replicas may be taken away."""
    limit: Duration | None = None
    """Latency with a preset: when an answer is late; an edge of the histogram's buckets."""


class Capacity(Model):
    """What one replica can do; what is not given is learned."""

    model_config = rules(
        (
            "!has(self.requestsPerSecond) || double(self.requestsPerSecond) > 0.0",
            "spec.capacity.requestsPerSecond must be above 0",
        ),
    )

    requests_per_second: Decimal | None = None
    """Requests that one replica answers in a second when it is fully used."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Requests that one replica works on at a time."""


class Forecast(Model):
    """How demand is looked ahead."""

    model_config = rules(
        (
            "double(self.quantile) > 0.0 && double(self.quantile) < 1.0",
            "spec.forecast.quantile is a probability above 0 and below 1",
        ),
        (
            "duration(self.history) >= duration('24h') && duration(self.history) <= duration('336h')",
            "spec.forecast.history is from 24h to 336h (14 days)",
        ),
    )

    mode: ForecastMode = ForecastMode.AUTO
    """Whether demand is forecast."""
    quantile: Decimal = Field(default="0.98", validate_default=True)
    """The probability that demand stays below what is planned for, at first; it follows the SLO attained."""
    history: Duration = Field(default="336h", validate_default=True)
    """How much history is read back from Prometheus."""


class Startup(Model):
    """How long a replica takes from being asked for to being ready."""

    initial: Duration = Field(default="3m", validate_default=True)
    """The time that is planned with until it has been learned."""


class ScaleUp(Model):
    """How fast replicas are added: the larger of the two per period."""

    percent: Percent = 100
    """By how many percent."""
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 4
    """By how many replicas."""
    period: WholeSeconds = Field(default="15s", validate_default=True)
    """In which time."""


class ScaleDown(Model):
    """When and how fast replicas are taken away."""

    model_config = rules(
        (
            "double(self.tolerance) >= 0.0 && double(self.tolerance) <= 0.5",
            "spec.scaleDown.tolerance is a share from 0 to 0.5",
        ),
    )

    hold: Duration = Field(default="5m", validate_default=True)
    """How long nothing must have asked for a replica that is taken away; the start-up time if that is longer."""
    tolerance: Decimal = Field(default="0.05", validate_default=True)
    """A decrease by a smaller share is not worth it."""
    percent: Annotated[int, Field(ge=1, le=100)] = 25
    """By how many percent at most in a period, one replica at least."""
    period: WholeSeconds = Field(default="60s", validate_default=True)
    """In which time."""


class ScaleToZero(Model):
    """When the last replica is taken away."""

    idle: Duration = Field(default="15m", validate_default=True)
    """For how long there must have been no request, seen by every signal."""


class Schedule(Model):
    """A minimum that holds for a while, again and again."""

    name: Label
    """What it is called in status."""
    cron: Annotated[str, Field(min_length=9, max_length=128)]
    """When it begins: minute, hour, day of month, month, day of week."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = "UTC"
    """Whose clock that is, such as ``Europe/Paris``."""
    duration: Duration
    """How long it holds."""
    min_replicas: Annotated[int, Field(ge=1, le=10_000)]
    """At least so many replicas while it holds."""


class Fallback(Model):
    """What holds when nothing can be measured."""

    replicas: Annotated[int, Field(ge=1, le=10_000)]
    """At least so many replicas; never a reason to take one away."""
    after: Duration = Field(default="2m", validate_default=True)
    """How long measurements must have been missing."""


class Analysis(Model):
    """How measurements are taken."""

    model_config = rules(
        (
            "[self.interval, self.scrapeInterval]"
            ".all(d, duration(d) >= duration('1s') && duration(d) <= duration('5m'))",
            "spec.analysis: interval and scrapeInterval are from 1s to 5m",
        ),
    )

    interval: WholeSeconds = Field(default="15s", validate_default=True)
    """How often it is decided."""
    scrape_interval: WholeSeconds = Field(default="15s", validate_default=True)
    """How often Prometheus scrapes the counters; rates are taken over four of them."""


class InferenceAutoscalerSpec(Model):
    """What shall be scaled, within which limits, to keep which promise."""

    model_config = rules(
        (
            "self.minReplicas <= self.maxReplicas",
            "spec.minReplicas must not be above spec.maxReplicas",
        ),
        (
            "self.maxReplicas >= 1",
            "spec.maxReplicas must be at least 1",
        ),
        (
            "self.minReplicas > 0 || self.signals.exists(s, s.role == 'Activation')",
            "spec.minReplicas is 0: that needs a signal of role Activation to wake the target",
        ),
        (
            "self.signals.exists(s, s.role == 'Demand' || s.role == 'Concurrency')",
            "spec.signals: at least one must be of role Demand or Concurrency",
        ),
        (
            "has(self.capacity.requestsPerSecond)"
            " ? self.signals.exists(s, s.role == 'Demand') || has(self.capacity.concurrency)"
            " : has(self.capacity.concurrency) && self.signals.exists(s, s.role == 'Concurrency')",
            "spec.capacity: give requestsPerSecond with a Demand signal, or concurrency with a Concurrency signal",
        ),
        (
            "(has(self.service) && has(self.service.port))"
            " || !self.signals.exists(s, has(s.preset) && s.preset == 'Envoy')",
            "spec.service with host and port is needed by preset Envoy",
        ),
        (
            "!has(self.schedule) || self.schedule.all(s, s.minReplicas <= self.maxReplicas)",
            "spec.schedule: minReplicas must not be above spec.maxReplicas",
        ),
        (
            "!has(self.fallback) || self.fallback.replicas <= self.maxReplicas",
            "spec.fallback.replicas must not be above spec.maxReplicas",
        ),
        (
            "['Demand', 'Backlog', 'Concurrency', 'Latency', 'Activation']"
            ".all(r, self.signals.filter(s, s.role == r).size() <= 1)",
            "spec.signals: at most one of each role, Guards apart",
        ),
    )

    target_ref: TargetRef
    """What is scaled."""
    service: Service | None = None
    """The Istio destination whose requests the target answers; needed by preset Envoy."""
    mode: Mode = Mode.ACTIVE
    """What is done with a decision."""
    suspend: bool = False
    """Decide and write nothing while true; the replicas stay as they are."""
    min_replicas: Replicas = 1
    """Never fewer."""
    max_replicas: Replicas
    """Never more."""
    slo: Slo = Slo()
    """What users of the model are promised."""
    signals: Annotated[
        tuple[Signal, ...],
        Field(
            min_length=1,
            max_length=8,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ]
    """What is measured."""
    capacity: Capacity = Capacity()
    """What one replica can do."""
    forecast: Forecast = Forecast()
    """How demand is looked ahead."""
    startup: Startup = Startup()
    """How long a replica takes to be ready."""
    scale_up: ScaleUp = ScaleUp()
    """How fast replicas are added."""
    scale_down: ScaleDown = ScaleDown()
    """When and how fast replicas are taken away."""
    scale_to_zero: ScaleToZero = ScaleToZero()
    """When the last replica is taken away; only where ``minReplicas`` is 0."""
    schedule: Annotated[
        tuple[Schedule, ...],
        Field(
            max_length=8,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = ()
    """Minima that hold at certain times."""
    fallback: Fallback | None = None
    """What holds when nothing can be measured; unset: the replicas stay as they are."""
    analysis: Analysis = Analysis()
    """How measurements are taken."""
