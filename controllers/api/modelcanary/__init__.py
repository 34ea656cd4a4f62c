"""ModelCanary: names, columns and examples."""

from controllers.api.base import Column, Crd
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus

APPROVE = "modelyard.dev/approve"
ABORT = "modelyard.dev/abort"
RETRY = "modelyard.dev/retry"
RESUME = "modelyard.dev/resume"

_SPEC = {
    "arms": [{"name": "blue", "host": "fraud-blue"}, {"name": "green", "host": "fraud-green"}],
    "routeRef": {"name": "fraud", "routes": ["primary"]},
}

MODELCANARY = Crd(
    kind="ModelCanary",
    plural="modelcanaries",
    singular="modelcanary",
    short_names=("mc", "canary"),
    spec=ModelCanarySpec,
    status=ModelCanaryStatus,
    description=(
        "Moves live traffic to a new version of a model step by step, on evidence with a stated"
        " error guarantee, and back when it is worse."
    ),
    conditions={
        "Accepted": "The spec and the route it names can be worked with; if not, the message names the field and the fix, and no weight moves.",
        "MetricsAvailable": "Every guardrail had a measurement at the last look; if not, the reason tells what is missing.",
        "TrafficApplied": "Requests are split as the route says.",
        "CandidateAvailable": "The Deployment of the arm on trial, where one is named, has a ready replica.",
        "Regressed": "The evidence shows the candidate to be worse than the tolerance: all traffic goes back to stable.",
        "Certified": "The evidence shows the candidate to be within the margin of every guardrail.",
        "Passed": "The verdict of the last run, in the form that every kind which judges has.",
        "Ready": "The canary is at rest and the released arm, or the stable one, holds all traffic.",
    },
    annotations={
        APPROVE: "Set to `status.at`: approve the pause of this step, or promote a run that was left without a verdict.",
        ABORT: "Set to `status.at`, or to anything that begins with `<run>/`: end the run, all traffic goes back to stable.",
        RETRY: "Set to `status.at`: try a release again that was rolled back.",
        RESUME: "Set to `status.at`: go on after a hand-made edit of the route was honoured.",
    },
    columns=(
        Column("Phase", ".status.phase"),
        Column("Stable", ".status.stable.arm"),
        Column("Release", ".spec.release.arm"),
        Column("Version", ".spec.release.version"),
        Column("Weight", ".status.weights.applied", "integer"),
        Column("Verdict", ".status.verdict"),
        Column("ETA", ".status.eta"),
        Column("Reason", ".status.reason"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("At", ".status.at", wide=True),
        Column("Message", ".status.message", wide=True),
    ),
    examples={
        "minimal": {
            **_SPEC,
            "release": {"arm": "green", "version": "8"},
            "steps": [{"weight": 5}, {"weight": 25}, {"weight": 50}],
            "guardrails": [{"name": "errors", "type": "ErrorRate"}],
        },
        "full": {
            "arms": [
                {
                    "name": "blue",
                    "host": "fraud.prod.svc.cluster.local",
                    "subset": "blue",
                    "port": 8080,
                    "deployment": "fraud-blue",
                },
                {
                    "name": "green",
                    "host": "fraud.prod.svc.cluster.local",
                    "subset": "green",
                    "port": 8080,
                    "deployment": "fraud-green",
                },
            ],
            "routeRef": {"name": "fraud", "routes": ["primary", "batch"]},
            "release": {"arm": "green", "version": "2026-11-24.1"},
            "steps": [
                {"weight": 5, "minDuration": "5m"},
                {"weight": 25, "minDuration": "10m", "pause": {}},
                {"weight": 50, "minDuration": "10m"},
            ],
            "guardrails": [
                {
                    "name": "errors",
                    "type": "ErrorRate",
                    "preset": "Istio",
                    "tolerance": "1.1",
                    "margin": "1.5",
                    "floor": "0.001",
                },
                {"name": "latency", "type": "Latency", "edge": "250ms", "margin": "1.25"},
                {
                    "name": "accuracy",
                    "type": "Threshold",
                    "query": 'model_accuracy{version="8"}',
                    "min": "0.92",
                    "for": "5m",
                    "effect": "Rollback",
                },
            ],
            "errorBudget": {"alpha": "0.01", "beta": "0.05"},
            "analysis": {"interval": "30s", "scrapeInterval": "15s"},
            "deadline": "4h",
            "onInconclusive": "Rollback",
            "noData": {"grace": "5m", "minCandidateRequests": 500},
            "suspend": False,
            "approve": "2026-11-24.1",
            "deletionPolicy": "ReturnToStable",
        },
    },
)
