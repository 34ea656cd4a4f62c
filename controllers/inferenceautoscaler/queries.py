"""What is asked of Prometheus: one grouped query for each metric, the same for all targets."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from controllers.api.inferenceautoscaler.spec import (
    InferenceAutoscalerSpec,
    Preset,
    Role,
    Service,
    Signal,
)
from controllers.readings import Query
from controllers.routing.istio import full_host

MINUTE = 60.0
WINDOW = 4.0
"""Scrapes that a rate is taken over: one may be missed, and a rise still shows in half of them."""


@dataclass(frozen=True)
class Group:
    """Which label values tell a target's series in a grouped answer."""

    labels: tuple[str, ...]
    keys: frozenset[tuple[str, ...]]
    pods: bool = False
    """Whether there is one series for each pod of the target."""


@dataclass(frozen=True)
class Text:
    """How one preset measures one role: PromQL with ``{w}`` for the window."""

    value: str
    samples: str = ""
    """What tells how complete it is: the samples it rests on."""


_ISTIO = 'istio_requests_total{{reporter="source"}}'
_ISTIO_TIME = 'istio_request_duration_milliseconds_bucket{{reporter="source"}}'
_COMPLETED = "envoy_cluster_upstream_rq_completed"
_ACTIVE = "envoy_cluster_upstream_rq_active"
_PENDING = "envoy_cluster_upstream_rq_pending_active"
_ARRIVED = (
    # What arrived is what was answered and what there is more of in flight. The counter of requests
    # sent to a server stays at zero while there is none to send them to, and counts retries.
    f"sum by ({{by}}) (rate({_COMPLETED}[{{w}}s])"
    f" + ({_ACTIVE} - {_ACTIVE} offset {{w}}s + {_PENDING} - {_PENDING} offset {{w}}s) / {{w}})"
)
_KV = "vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc"

TEXTS: Mapping[tuple[Preset, Role], Text] = {
    (Preset.ISTIO, Role.DEMAND): Text(
        f"sum by ({{by}}) (rate({_ISTIO}[{{w}}s]))",
        f"sum by ({{by}}) (count_over_time({_ISTIO}[{{w}}s]))",
    ),
    (Preset.ISTIO, Role.ACTIVATION): Text(f"sum by ({{by}}) (rate({_ISTIO}[{{w}}s]))"),
    (Preset.ISTIO, Role.LATENCY): Text(f"sum by ({{by}}, le) (rate({_ISTIO_TIME}[{{w}}s]))"),
    (Preset.ENVOY, Role.DEMAND): Text(
        _ARRIVED, f"sum by ({{by}}) (count_over_time({_COMPLETED}[{{w}}s]))"
    ),
    (Preset.ENVOY, Role.ACTIVATION): Text(_ARRIVED),
    (Preset.ENVOY, Role.BACKLOG): Text(f"sum by ({{by}}) ({_PENDING})"),
    (Preset.ENVOY, Role.CONCURRENCY): Text(f"sum by ({{by}}) ({_ACTIVE} + {_PENDING})"),
    (Preset.ENVOY, Role.LATENCY): Text(
        "sum by ({by}, le) (rate(envoy_cluster_upstream_rq_time_bucket[{w}s]))"
    ),
    (Preset.VLLM, Role.BACKLOG): Text("sum by ({by}) (vllm:num_requests_waiting)"),
    (Preset.VLLM, Role.CONCURRENCY): Text(
        "sum by ({by}) (vllm:num_requests_running + vllm:num_requests_waiting)"
    ),
    (Preset.VLLM, Role.LATENCY): Text(
        "sum by ({by}, le) (rate(vllm:time_to_first_token_seconds_bucket[{w}s]))"
    ),
    (Preset.VLLM, Role.GUARD): Text(f"max by ({{by}}) ({_KV})"),
    (Preset.TRITON, Role.DEMAND): Text(
        "sum by ({by}) (rate(nv_inference_request_success[{w}s]))",
        "sum by ({by}) (count_over_time(nv_inference_request_success[{w}s]))",
    ),
    (Preset.TRITON, Role.BACKLOG): Text("sum by ({by}) (nv_inference_pending_request_count)"),
    (Preset.TRITON, Role.GUARD): Text("max by ({by}) (nv_gpu_utilization)"),
}

EDGE_SECONDS: Mapping[Preset, float] = {
    Preset.ISTIO: 0.001,
    Preset.ENVOY: 0.001,
    Preset.VLLM: 1.0,
}
"""What one unit of a preset's histogram edges is in seconds."""

THROUGHPUT: Mapping[Preset, str] = {
    Preset.ENVOY: f"sum by ({{by}}) (rate({_COMPLETED}[{{w}}s]))",
}
"""What is answered, where the demand counts what arrives."""


@dataclass(frozen=True)
class Asking:
    """The queries of one signal at one instant."""

    signal: Signal
    group: Group | None
    """None: a query of the user's own, which returns one series."""
    value: Query
    lately: Query | None = None
    """Demand over half of the window."""
    samples: Query | None = None
    throughput: Query | None = None
    history: Query | None = None
    known_by: float = math.inf
    """A replica that was ready then, in unix seconds, has been scraped by now."""

    @property
    def all(self) -> tuple[Query, ...]:
        """What has to be sent for it."""
        parts = (self.value, self.lately, self.samples, self.throughput, self.history)
        return tuple(one for one in parts if one is not None)


def instant(spec: InferenceAutoscalerSpec, now: float) -> int:
    """The evaluation instant of a decision at ``now``: the same for all of one interval."""
    interval = spec.analysis.interval
    return int(now // interval * interval)


def asking(spec: InferenceAutoscalerSpec, namespace: str, name: str, at: int) -> tuple[Asking, ...]:
    """What is asked for the signals of a target; those of one preset differ in nothing but ``at``.

    ``name`` is the target's, ``at`` unix seconds. Signals of the pods are grouped by pod, and whose
    they are is found by the names of the pods.
    """
    return tuple(_one(spec, signal, namespace, name, at) for signal in spec.signals)


def _one(
    spec: InferenceAutoscalerSpec, signal: Signal, namespace: str, name: str, at: int
) -> Asking:
    scrape = spec.analysis.scrape_interval
    # A gauge that was not scraped twice is not known; Prometheus's own setting is five minutes.
    lookback = 2.5 * scrape
    if signal.preset is None:
        own = signal.query or ""
        history = _history(spec, signal, own, at)
        return Asking(signal, None, Query(own, at, lookback), history=history)
    group = _group(signal.preset, spec.service, namespace, name)
    text = TEXTS[signal.preset, signal.role]
    by = ", ".join(group.labels)
    window = WINDOW * scrape

    def over(text: str, seconds: float) -> Query:
        return _over(text, by, seconds, at, lookback)

    demand = signal.role is Role.DEMAND
    throughput = THROUGHPUT.get(signal.preset) if demand else None
    minute = over(text.value, max(window, MINUTE)).text
    return Asking(
        signal,
        group,
        over(text.value, window),
        lately=over(text.value, window / 2.0) if demand else None,
        samples=over(text.samples, window) if text.samples else None,
        throughput=over(throughput, window) if throughput else None,
        history=_history(spec, signal, minute, at),
        known_by=at - window,
    )


def _history(spec: InferenceAutoscalerSpec, signal: Signal, text: str, at: int) -> Query | None:
    """The demand of the past, a value a minute, as far as it is read back."""
    if signal.role is not Role.DEMAND or spec.forecast.mode == "Off":
        return None
    return _past(text, at // 60 * 60.0, spec.forecast.history)


@lru_cache(maxsize=1024)
def _over(text: str, by: str, seconds: float, at: int, lookback: float) -> Query:
    """The query over a window: one object for all targets, because each asks for it many times."""
    return Query(text.format(by=by, w=f"{seconds:.0f}"), at, lookback)


@lru_cache(maxsize=1024)
def _past(text: str, at: float, span: float) -> Query:
    return Query(text, at, span=span, step=MINUTE)


def _group(preset: Preset, service: Service | None, namespace: str, name: str) -> Group:
    if preset in {Preset.VLLM, Preset.TRITON}:
        return Group(("namespace", "pod"), frozenset(), pods=True)
    if preset is Preset.ENVOY:
        if service is None:
            raise LookupError("spec.service is needed by preset Envoy")
        host = full_host(service.host, namespace)
        cluster = f"outbound|{service.port or 80}|{service.subset or ''}|{host}"
        # Envoy's own way to take the name out of a counter may leave a semicolon at its end.
        return Group(("envoy_cluster_name",), frozenset({(cluster,), (f"{cluster};",)}))
    if service is not None:
        return Group(("destination_service",), frozenset({(full_host(service.host, namespace),)}))
    return Group(
        ("destination_workload_namespace", "destination_workload"), frozenset({(namespace, name)})
    )


def edge(text: str) -> float:
    """The upper edge of a bucket, as its ``le`` says; nan where that is no number."""
    return float(text) if re.fullmatch(r"\+?[0-9.eE+-]+|\+Inf", text) else float("nan")
