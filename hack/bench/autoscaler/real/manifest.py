"""A specification of the model as the object that the API server takes."""

from typing import Any

from hack.bench.autoscaler.hpa import HpaSpec
from hack.bench.autoscaler.hpa_behavior import Rules
from hack.bench.autoscaler.hpa_metrics import Metric, Source, Target, milli
from hack.bench.autoscaler.real.apis import TARGETS

TARGET = "target"


def hpa(namespace: str, spec: HpaSpec) -> dict[str, Any]:
    """The HorizontalPodAutoscaler ``target`` of the Target of that name; flags are left out."""
    written: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": f"{TARGETS}/v1", "kind": "Target", "name": TARGET},
        "minReplicas": spec.min_replicas,
        "maxReplicas": spec.max_replicas,
        "metrics": [_metric(index, metric) for index, metric in enumerate(spec.metrics)],
    }
    if spec.behavior:
        written["behavior"] = {
            "scaleUp": _rules(spec.behavior.up),
            "scaleDown": _rules(spec.behavior.down),
        }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": TARGET, "namespace": namespace},
        "spec": written,
    }


def metric_name(index: int) -> str:
    """What the metric at that place of the spec is called."""
    return f"metric-{index}"


def _metric(index: int, metric: Metric) -> dict[str, Any]:
    source, target = metric.source, _target(metric)
    named: dict[str, Any] = {"metric": {"name": metric_name(index)}, "target": target}
    if source is Source.RESOURCE:
        named = {"name": metric.resource, "target": target}
    elif source is Source.OBJECT:
        named["describedObject"] = {"apiVersion": "v1", "kind": "Service", "name": TARGET}
    field = source.value[0].lower() + source.value[1:]
    return {"type": source.value, field: named}


def _target(metric: Metric) -> dict[str, Any]:
    kind = metric.target.value
    if metric.target is Target.UTILIZATION:
        return {"type": kind, "averageUtilization": int(metric.goal)}
    field = "value" if metric.target is Target.VALUE else "averageValue"
    return {"type": kind, field: f"{milli(metric.goal)}m"}


def _rules(rules: Rules) -> dict[str, Any]:
    written: dict[str, Any] = {"selectPolicy": rules.select.value}
    if rules.policies:
        written["policies"] = [
            {"type": policy.change.value, "value": policy.value, "periodSeconds": policy.period}
            for policy in rules.policies
        ]
    if rules.window is not None:
        written["stabilizationWindowSeconds"] = rules.window
    if rules.tolerance is not None:
        written["tolerance"] = f"{milli(rules.tolerance)}m"
    return written
