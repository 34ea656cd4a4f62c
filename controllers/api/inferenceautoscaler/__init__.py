"""InferenceAutoscaler: names, columns and examples."""

from controllers.api.base import Column, Crd
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus

INFERENCEAUTOSCALER = Crd(
    kind="InferenceAutoscaler",
    plural="inferenceautoscalers",
    singular="inferenceautoscaler",
    short_names=("ias",),
    spec=InferenceAutoscalerSpec,
    status=InferenceAutoscalerStatus,
    description=(
        "Keeps as many replicas of a model server as its demand needs by the time a new replica"
        " would be ready, and never takes one away because a measurement is missing."
    ),
    conditions={
        "Accepted": "The spec and the target it names can be worked with; if not, the message names the field and the fix, and nothing is scaled.",
        "MetricsAvailable": "Every signal had a complete value at the last look; if not, the reason tells what is missing, and nothing is taken away.",
        "CapacityLearned": "What one replica can do is given or has been learned; if not, requests in flight decide.",
        "ForecastTrusted": "There is enough history of the demand to plan ahead with.",
        "SloAtRisk": "The objective is missed, or replicas that were asked for do not get ready.",
        "RoomForReplicas": "Every replica has a node.",
        "Conflict": "Someone else keeps setting the replicas of the target.",
        "DecreaseHeld": "Fewer replicas would do, and the message says what keeps them.",
        "Ready": "The load is measured and the replicas follow it.",
    },
    annotations={},
    columns=(
        Column("Target", ".spec.targetRef.name"),
        Column("Ready", ".status.replicas.ready", "integer"),
        Column("Current", ".status.replicas.current", "integer"),
        Column("Desired", ".status.replicas.desired", "integer"),
        Column("Demand", ".status.demand.now"),
        Column("Upper", ".status.demand.upper"),
        Column("SLO", ".status.slo.attained"),
        Column("Reason", ".status.reason"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Mode", ".spec.mode", wide=True),
        Column("Message", ".status.message", wide=True),
    ),
    examples={
        "minimal": {
            "targetRef": {"name": "fraud"},
            "maxReplicas": 10,
            "signals": [{"name": "demand", "role": "Demand", "preset": "Istio"}],
            "capacity": {"requestsPerSecond": "8"},
        },
        "full": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
            "service": {"host": "llm.prod.svc.cluster.local", "port": 8000},
            "mode": "Active",
            "suspend": False,
            "minReplicas": 0,
            "maxReplicas": 40,
            "slo": {"objective": "0.995", "wait": "2s", "window": "1h"},
            "signals": [
                {"name": "demand", "role": "Demand", "preset": "Envoy"},
                {"name": "queue", "role": "Backlog", "preset": "Vllm"},
                {"name": "in-flight", "role": "Concurrency", "preset": "Vllm"},
                {"name": "first-token", "role": "Latency", "preset": "Vllm", "limit": "2s500ms"},
                {"name": "kv-cache", "role": "Guard", "preset": "Vllm", "max": "0.9"},
                {
                    "name": "waiting",
                    "role": "Activation",
                    "query": "sum(inference_extension_flow_control_queue_size)",
                    "scope": "Workload",
                },
            ],
            "capacity": {"concurrency": 32},
            "forecast": {"mode": "Auto", "quantile": "0.98", "history": "336h"},
            "startup": {"initial": "4m"},
            "scaleUp": {"percent": 100, "replicas": 4, "period": "15s"},
            "scaleDown": {"hold": "10m", "tolerance": "0.05", "percent": 25, "period": "60s"},
            "scaleToZero": {"idle": "30m"},
            "schedule": [
                {
                    "name": "office-hours",
                    "cron": "0 8 * * 1-5",
                    "timeZone": "Europe/Paris",
                    "duration": "10h",
                    "minReplicas": 4,
                }
            ],
            "fallback": {"replicas": 6, "after": "2m"},
            "analysis": {"interval": "15s", "scrapeInterval": "15s"},
        },
    },
)
