"""What an InferenceAutoscaler must have to be tested on history, and which series are its own."""

import re
from collections.abc import Mapping

from controllers.api.inferenceautoscaler.spec import (
    InferenceAutoscalerSpec,
    Role,
    Service,
    Signal,
)
from controllers.inferenceautoscaler import schedule
from controllers.inferenceautoscaler.queries import TEXTS, Asking
from controllers.plan import Meta
from operators.backtest.recording import Keep
from operators.backtest.report import when
from operators.inferenceautoscaler.outlooks import POD

NO_CAPACITY = (
    "spec.capacity.requestsPerSecond: what one replica can do has to be known: give it, or take the"
    " object with what it has learned: kubectl get inferenceautoscaler NAME -o yaml"
)


NO_RATE = "spec.capacity.requestsPerSecond must be above 0"


def refuse(spec: InferenceAutoscalerSpec) -> None:
    """ValueError names the field where a spec contradicts itself or cannot be played.

    The rules of the CRD are the API server's to apply; these are those that would otherwise end in
    figures that mean nothing.
    """
    if spec.max_replicas < max(spec.min_replicas, 1):
        raise ValueError(
            f"spec.maxReplicas is {spec.max_replicas}: it must be at least 1 and not below"
            f" spec.minReplicas, which is {spec.min_replicas}"
        )
    if not 0.5 <= spec.slo.objective <= 0.9999:
        raise ValueError(f"spec.slo.objective is {spec.slo.objective:g}: give 0.5 to 0.9999")
    if not 0.0 < spec.forecast.quantile < 1.0:
        raise ValueError(
            f"spec.forecast.quantile is {spec.forecast.quantile:g}: give a probability above 0"
            " and below 1"
        )
    for name, value in (
        ("interval", spec.analysis.interval),
        ("scrapeInterval", spec.analysis.scrape_interval),
    ):
        if not 1.0 <= value <= 300.0:
            raise ValueError(f"spec.analysis.{name} is {value:g}s: give whole seconds, 1s to 5m")
    for one in spec.signals:
        _refuse(one, spec.service)
    if not any(one.role is Role.DEMAND for one in spec.signals):
        raise ValueError(
            "spec.signals: none has role Demand: a back-test plays back the requests that came"
        )
    if problem := schedule.problem(spec.schedule):
        raise ValueError(problem)


def _refuse(one: Signal, service: Service | None) -> None:
    where = f"spec.signals[{one.name}]"
    if (one.preset is None) == (one.query is None):
        raise ValueError(f"{where}: give preset or query, and not both")
    if one.preset is not None and (one.preset, one.role) not in TEXTS:
        raise ValueError(f"{where}.preset: {one.preset} does not measure role {one.role}")
    if one.preset == "Envoy" and (service is None or service.port is None):
        raise ValueError("spec.service: preset Envoy needs its host and port")
    if one.role is Role.LATENCY and one.preset is not None and one.limit is None:
        raise ValueError(f"{where}.limit: give when an answer is late, such as 1s")


def left_out(spec: InferenceAutoscalerSpec) -> tuple[str, ...]:
    """What is said of each signal that is not read from history."""
    said = []
    for one in spec.signals:
        if one.role is Role.GUARD:
            said.append(
                f"{one.name} (Guard) is left out: what pods that never ran would have said is not"
                " known; in earnest it may hold decreases back"
            )
        elif one.role in {Role.BACKLOG, Role.CONCURRENCY, Role.LATENCY}:
            said.append(
                f"{one.name} ({one.role}) is modelled, not read: it depends on the replicas"
            )
    return tuple(said)


def keep(one: Asking, meta: Meta, spec: InferenceAutoscalerSpec) -> Keep:
    """Which series of a grouped answer are the target's."""
    group = one.group
    if group is None:
        return lambda _: True
    if not group.pods:
        return lambda labels: tuple(labels.get(name, "") for name in group.labels) in group.keys
    ref = spec.target_ref
    name = re.compile(re.escape(ref.name) + POD.get(ref.kind, r"-.*"))

    def of_pods(labels: Mapping[str, str]) -> bool:
        pod = labels.get("pod", "")
        return labels.get("namespace") == meta.namespace and bool(name.fullmatch(pod))

    return of_pods


def no_data(demand: Asking, meta: Meta, at: range) -> str:
    """What to say where the demand was never there."""
    group = demand.group
    looked = (
        "it returned no series" if group is None
        else f"no pod of {meta.namespace} has a name of the target's" if group.pods
        else "no series has " + ", ".join(
            f'{name}="{value}"' for name, value in zip(group.labels, min(group.keys), strict=True)
        )
    )  # fmt: skip
    return (
        f"Prometheus has no data of signal {demand.signal.name} from {when(at[0])} to"
        f" {when(at[-1])} UTC: {looked} in the answers to {demand.value.text!r}; check the names"
        " and the namespace in the file, --prometheus-url, and whether its retention reaches back"
        " to --from"
    )
