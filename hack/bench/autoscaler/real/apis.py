"""The metrics APIs, and one kind that can be scaled, as an extension API server answers them.

Each is made of plain functions that say the numbers: a script of the validation, or Prometheus.
"""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hack.bench.autoscaler.hpa_metrics import Sample, milli

TARGETS = "bench.modelyard.dev"
"""The group of the kind ``Target``, which is nothing but its scale."""
Object = dict[str, Any]


class AwayError(Exception):
    """A source has no answer now: the API answers 503."""


class Ask(NamedTuple):
    """One request: its path behind group and version, and its body."""

    method: str
    path: tuple[str, ...]
    body: Object


@dataclass(frozen=True)
class Api:
    """One group and version; ``answer`` says None for what there is not."""

    group: str
    version: str
    resources: tuple[Mapping[str, Any], ...]
    answer: Callable[[Ask], Object | None]

    @property
    def name(self) -> str:
        return f"{self.group}/{self.version}"

    def discovery(self) -> Object:
        """What the aggregator and the clients ask first."""
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": self.name,
            "resources": list(self.resources),
        }


class Scale(NamedTuple):
    """The scale of a target; ``selector`` as label selectors are written."""

    spec: int
    status: int
    selector: str


def external_metrics(values: Callable[[str, str], Sequence[float]]) -> Api:
    """external.metrics.k8s.io: ``values(namespace, metric)`` by series, none for no such metric."""

    def answer(ask: Ask) -> Object | None:
        match ask.path:
            case ("namespaces", namespace, metric):
                found = values(namespace, metric)
                items = [
                    {
                        "metricName": metric,
                        "metricLabels": {"series": str(number)},
                        "timestamp": _now(),
                        "value": _quantity(value),
                    }
                    for number, value in enumerate(found)
                ]
                return _list("external.metrics.k8s.io/v1beta1", "ExternalMetricValueList", items)
        return None

    anything = _resource("*", "ExternalMetricValueList", "get")
    return Api("external.metrics.k8s.io", "v1beta1", (anything,), answer)


def custom_metrics(
    of_pods: Callable[[str, str], Mapping[str, Sample]],
    of_object: Callable[[str, str], float | None],
) -> Api:
    """custom.metrics.k8s.io: ``of_pods(namespace, metric)`` by pod, ``of_object`` of any object.

    The selector of the pods is not looked at: the source knows which pods a namespace has.
    """
    version = "custom.metrics.k8s.io/v1beta2"

    def value(kind: str, name: str, metric: str, sample: Sample) -> Object:
        return {
            "describedObject": {"kind": kind, "name": name, "apiVersion": "v1"},
            "metric": {"name": metric},
            "timestamp": _time(sample.at),
            "windowSeconds": int(sample.window),
            "value": _quantity(sample.value),
        }

    def answer(ask: Ask) -> Object | None:
        match ask.path:
            case ("namespaces", namespace, "pods", "*", metric):
                found = of_pods(namespace, metric)
                items = [value("Pod", name, metric, sample) for name, sample in found.items()]
                return _list(version, "MetricValueList", items)
            case ("namespaces", namespace, _, name, metric):
                one = of_object(namespace, metric)
                items = [] if one is None else [value("Object", name, metric, Sample(one))]
                return _list(version, "MetricValueList", items)
        return None

    anything = _resource("pods/*", "MetricValueList", "get")
    return Api("custom.metrics.k8s.io", "v1beta2", (anything,), answer)


def resource_metrics(cpu: Callable[[str], Mapping[str, Sample]]) -> Api:
    """metrics.k8s.io: ``cpu(namespace)`` by pod, in cores, of its one container ``main``."""

    def answer(ask: Ask) -> Object | None:
        match ask.path:
            case ("namespaces", namespace, "pods"):
                items = [
                    {
                        "metadata": {"name": name, "namespace": namespace},
                        "timestamp": _time(sample.at),
                        "window": f"{sample.window:.0f}s",
                        "containers": [{"name": "main", "usage": {"cpu": _quantity(sample.value)}}],
                    }
                    for name, sample in cpu(namespace).items()
                ]
                return _list("metrics.k8s.io/v1beta1", "PodMetricsList", items)
        return None

    pods = _resource("pods", "PodMetrics", "get", "list")
    return Api("metrics.k8s.io", "v1beta1", (pods,), answer)


def targets(get: Callable[[str, str], Scale | None], put: Callable[[str, str, int], None]) -> Api:
    """The kind ``Target``: ``get(namespace, name)`` and ``put(namespace, name, replicas)``."""

    def answer(ask: Ask) -> Object | None:
        match ask.path:
            case ("namespaces", namespace, "targets", name, "scale"):
                if ask.method == "PUT":
                    put(namespace, name, int(ask.body.get("spec", {}).get("replicas", 0)))
                    return ask.body
                scale = get(namespace, name)
                return None if scale is None else _scale(namespace, name, scale)
        return None

    subresource = {
        **_resource("targets/scale", "Scale", "get", "update"),
        "group": "autoscaling",
        "version": "v1",
    }
    return Api(TARGETS, "v1", (_resource("targets", "Target", "get"), subresource), answer)


def _scale(namespace: str, name: str, scale: Scale) -> Object:
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "1"},
        "spec": {"replicas": scale.spec},
        "status": {"replicas": scale.status, "selector": scale.selector},
    }


def _resource(name: str, kind: str, *verbs: str) -> Object:
    return {
        "name": name,
        "singularName": "",
        "namespaced": True,
        "kind": kind,
        "verbs": list(verbs),
    }


def _list(version: str, kind: str, items: Iterable[Object]) -> Object:
    return {"kind": kind, "apiVersion": version, "metadata": {}, "items": list(items)}


def _quantity(value: float) -> str:
    if not math.isfinite(value):
        raise AwayError(f"{value} is no quantity")
    return f"{milli(value)}m"


def _now() -> str:
    return _time(datetime.datetime.now(datetime.UTC).timestamp())


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
