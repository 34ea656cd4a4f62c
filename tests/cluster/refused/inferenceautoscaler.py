"""What the API server refuses of an InferenceAutoscaler, and with which words."""

from typing import Any

from tests.cluster.refused.absent import ABSENT

_DEMAND = {"name": "demand", "role": "Demand", "query": "d"}
_QUEUE = {"name": "queue", "role": "Backlog", "query": "q"}

# One bad object for each CEL rule: the message that the user reads, and what was changed in the
# full example.
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("metadata.name must be at most 63 characters", {"metadata.name": "a" * 64}),
    ("spec.minReplicas must not be above spec.maxReplicas", {"spec.minReplicas": 41}),
    ("spec.maxReplicas must be at least 1", {"spec.maxReplicas": 0}),
    ("spec.minReplicas is 0: that needs a signal of role", {"spec.signals.5": ABSENT}),
    (
        "spec.signals: at least one must be of role Demand or",
        {"spec.minReplicas": 1, "spec.signals": [_QUEUE]},
    ),
    ("spec.capacity: give requestsPerSecond with a Demand", {"spec.capacity": {}}),
    (
        "spec.capacity: give requestsPerSecond with a Demand",
        {"spec.minReplicas": 1, "spec.signals": [_DEMAND]},
    ),
    ("spec.service with host and port is needed by preset Envoy", {"spec.service": ABSENT}),
    ("spec.service with host and port is needed by preset Envoy", {"spec.service.port": ABSENT}),
    ("spec.schedule: minReplicas must not be above", {"spec.schedule.0.minReplicas": 41}),
    ("spec.fallback.replicas must not be above", {"spec.fallback.replicas": 41}),
    (
        "spec.signals: at most one of each role, Guards apart",
        {"spec.signals.4": {**_QUEUE, "name": "q2"}},
    ),
    ("spec.signals: each needs preset or query", {"spec.signals.0.query": "q"}),
    ("spec.signals: the preset does not measure this role", {"spec.signals.0.preset": "Vllm"}),
    ("spec.signals: max belongs to a Guard", {"spec.signals.4.max": ABSENT}),
    ("spec.signals: limit belongs to a Latency signal", {"spec.signals.3.limit": ABSENT}),
    ("spec.slo.objective is a share from 0.5 to 0.9999", {"spec.slo.objective": "1"}),
    ("spec.capacity.requestsPerSecond must be above 0", {"spec.capacity.requestsPerSecond": "0"}),
    ("spec.forecast.quantile is a probability above 0", {"spec.forecast.quantile": "1.0"}),
    ("spec.forecast.history is from 24h to 336h", {"spec.forecast.history": "23h"}),
    ("spec.scaleDown.tolerance is a share from 0 to 0.5", {"spec.scaleDown.tolerance": "0.6"}),
    ("spec.analysis: interval and scrapeInterval are", {"spec.analysis.interval": "301s"}),
]
# The same for rules about a change of an object that exists.
UNCHANGEABLE: list[tuple[str, dict[str, Any]]] = [
    (
        "spec.targetRef is immutable: create a new InferenceAutoscaler instead",
        {"spec.targetRef.name": "other"},
    ),
]
# What types and bounds refuse: the field that the message names, and what was written there.
OUT_OF_BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("spec.maxReplicas", {"spec.maxReplicas": ABSENT}),
    ("spec.maxReplicas", {"spec.maxReplicas": 10_001}),
    ("spec.minReplicas", {"spec.minReplicas": -1}),
    ("spec.targetRef.name", {"spec.targetRef.name": ABSENT}),
    ("spec.mode", {"spec.mode": "Paused"}),
    ("spec.signals", {"spec.signals": []}),
    ("spec.signals[1]", {"spec.signals.1.name": "demand"}),
    ("spec.signals[0].role", {"spec.signals.0.role": "Load"}),
    ("spec.signals[5].query", {"spec.signals.5.query": "q" * 2049}),
    ("spec.slo.wait", {"spec.slo.wait": "fast"}),
    ("spec.slo.objective", {"spec.slo.objective": 0.99}),
    ("spec.capacity.concurrency", {"spec.capacity.concurrency": 0}),
    ("spec.scaleUp.percent", {"spec.scaleUp.percent": 0}),
    ("spec.scaleDown.percent", {"spec.scaleDown.percent": 101}),
    ("spec.schedule[0].minReplicas", {"spec.schedule.0.minReplicas": 0}),
    ("spec.schedule[0].duration", {"spec.schedule.0.duration": ABSENT}),
    ("spec.fallback.replicas", {"spec.fallback.replicas": 0}),
    ("spec.analysis.interval", {"spec.analysis.interval": "1500ms"}),
]
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("spec.pools", {"spec.pools": []}),
    ("spec.signals[0].treshold", {"spec.signals.0.treshold": "1"}),
]
