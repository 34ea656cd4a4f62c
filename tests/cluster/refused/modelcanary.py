"""What the API server refuses of a ModelCanary, and with which words."""

from typing import Any

from controllers.api.modelcanary import MODELCANARY
from tests.cluster.refused.absent import ABSENT

_OTHER_ARM = {**MODELCANARY.examples["full"]["arms"][0], "name": "green"}
_COUNTED = [{"name": f"e{n}", "type": "ErrorRate"} for n in range(5)]
_THRESHOLD = {"name": "t", "type": "Threshold", "query": "up", "max": "1"}

# One bad object for each CEL rule: the message that the user reads, and what was changed in the
# full example. Guardrail 0 there is an ErrorRate, 1 a Latency, 2 a Threshold.
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("metadata.name must be at most 63 characters", {"metadata.name": "a" * 64}),
    ("spec.arms: the two arms must have different names", {"spec.arms.1.name": "blue"}),
    ("spec.arms: the two arms must be different destinations", {"spec.arms.1": _OTHER_ARM}),
    ("spec.release.arm must be the name of one of spec.arms", {"spec.release.arm": "red"}),
    ("spec.steps: each weight must be above the one before it", {"spec.steps.1.weight": 5}),
    ("spec.guardrails: at least one must be of type", {"spec.guardrails": [_THRESHOLD]}),
    ("spec.guardrails: at most 3 may be of type ErrorRate or", {"spec.guardrails": _COUNTED}),
    ("spec.guardrails: a Latency guardrail needs edge", {"spec.guardrails.1.edge": ABSENT}),
    ("spec.guardrails: a Threshold guardrail needs query and", {"spec.guardrails.2.min": ABSENT}),
    ("spec.guardrails: query, min and max belong to a", {"spec.guardrails.0.max": "1"}),
    ("spec.guardrails: tolerance is a ratio from 1 to 10", {"spec.guardrails.0.tolerance": "0.9"}),
    ("spec.guardrails: margin must be above tolerance", {"spec.guardrails.0.margin": "1.1"}),
    ("spec.guardrails: margin is a ratio of at most 20", {"spec.guardrails.0.margin": "20.1"}),
    ("spec.guardrails: floor is a share from 0 to 0.5", {"spec.guardrails.0.floor": "0.6"}),
    ("spec.guardrails: min must not be above max", {"spec.guardrails.2.max": "0.9"}),
    ("spec.errorBudget.alpha is a probability above 0", {"spec.errorBudget.alpha": "0"}),
    ("spec.errorBudget.beta is a probability above 0", {"spec.errorBudget.beta": "0.21"}),
    ("spec.analysis.scrapeInterval must be at least", {"spec.analysis.scrapeInterval": "0s"}),
    (
        "spec.analysis.interval must not be shorter than spec.analysis.scrapeInterval",
        {"spec.analysis.interval": "14s"},
    ),
    ("spec.analysis.interval must be at most 10m", {"spec.analysis.interval": "601s"}),
]
# The same for rules about a change of an object that exists.
UNCHANGEABLE: list[tuple[str, dict[str, Any]]] = [
    (
        "spec.arms: the names of the arms are immutable: create a new ModelCanary instead",
        {"spec.arms.0.name": "red"},
    ),
    (
        "spec.arms: the destination of an arm is immutable: create a new ModelCanary instead",
        {"spec.arms.0.port": 8081},
    ),
    (
        "spec.arms: the destination of an arm is immutable: create a new ModelCanary instead",
        {"spec.arms.0.subset": ABSENT},
    ),
    (
        "spec.routeRef is immutable: create a new ModelCanary instead",
        {"spec.routeRef.routes": ["primary"]},
    ),
]
# What types and bounds refuse: the field that the message names, and what was written there.
OUT_OF_BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("spec.steps", {"spec.steps": []}),
    ("spec.steps[0].weight", {"spec.steps.0.weight": 0}),
    ("spec.steps[2].weight", {"spec.steps.2.weight": 100}),
    ("spec.steps[0].weight", {"spec.steps.0.weight": "5"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "soon"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "1.5h"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "-5m"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": 90}),
    ("spec.analysis.interval", {"spec.analysis.interval": "15500ms"}),
    ("spec.deadline", {"spec.deadline": ""}),
    ("spec.arms", {"spec.arms.1": ABSENT}),
    ("spec.arms[0].host", {"spec.arms.0.host": ABSENT}),
    ("spec.arms[0].host", {"spec.arms.0.host": "h" * 254}),
    ("spec.arms[0].name", {"spec.arms.0.name": "Blue"}),
    ("spec.arms[0].name", {"spec.arms.0.name": "a" * 64}),
    ("spec.arms[0].port", {"spec.arms.0.port": 65536}),
    ("spec.release", {"spec.release": ABSENT}),
    ("spec.release.version", {"spec.release.version": "v 8"}),
    ("spec.routeRef.routes[1]", {"spec.routeRef.routes": ["primary", "primary"]}),
    ("spec.guardrails", {"spec.guardrails": []}),
    ("spec.guardrails[1]", {"spec.guardrails.1.name": "errors"}),
    ("spec.guardrails[0].type", {"spec.guardrails.0.type": "Errors"}),
    ("spec.guardrails[0].margin", {"spec.guardrails.0.margin": "150%"}),
    ("spec.guardrails[0].margin", {"spec.guardrails.0.margin": 1.5}),
    ("spec.guardrails[2].query", {"spec.guardrails.2.query": "q" * 2049}),
    ("spec.errorBudget.alpha", {"spec.errorBudget.alpha": "1e-2"}),
    ("spec.onInconclusive", {"spec.onInconclusive": "rollback"}),
    ("spec.noData.minCandidateRequests", {"spec.noData.minCandidateRequests": -1}),
]
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("spec.colour", {"spec.colour": "blue"}),
    ("spec.steps[0].pause.until", {"spec.steps.0.pause": {"until": "noon"}}),
    ("spec.guardrails[0].tolerence", {"spec.guardrails.0.tolerence": "1.1"}),
]
