"""Which counters of Prometheus say how the two arms answered, and whose each series is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers.api.modelcanary.spec import Arm, Guardrail, GuardrailType, Preset
from controllers.readings import Query
from controllers.routing.istio import Problem, full_host


@dataclass(frozen=True)
class Metrics:
    """How one preset names its counters, and how its series name an arm and an answer's code."""

    requests: str
    duration: str
    arm: str
    code: str
    common: str = ""
    """Matchers of both counters."""
    by_code: str = ""
    """Matchers of the requests alone."""


PRESETS: Mapping[Preset, Metrics] = {
    Preset.ENVOY: Metrics(
        requests="envoy_cluster_upstream_rq",
        duration="envoy_cluster_upstream_rq_time_bucket",
        arm="envoy_cluster_name",
        code="envoy_response_code",
        # Counts by class of codes share the name: without this each answer would count twice.
        by_code='envoy_response_code!="",',
    ),
    # The caller's side also sees requests that never reached a crashed server.
    Preset.ISTIO: Metrics(
        requests="istio_requests_total",
        duration="istio_request_duration_milliseconds_bucket",
        arm="destination_service",
        code="response_code",
        common='reporter="source",',
    ),
}


@dataclass(frozen=True)
class Selector:
    """What tells the series of each arm: a label and one regular expression per arm."""

    label: str
    patterns: tuple[tuple[str, str], ...]

    def arm(self, labels: Mapping[str, str]) -> str | None:
        """The name of the arm that a series belongs to, or None."""
        value = labels.get(self.label, "")
        return next((name for name, text in self.patterns if re.fullmatch(text, value)), None)

    @property
    def matcher(self) -> str:
        """The PromQL label matcher that selects both arms."""
        joined = "|".join(text for _, text in self.patterns)
        escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}=~"{escaped}"'


def selector(preset: Preset, arms: Sequence[Arm], namespace: str) -> Selector | Problem:
    """How the series of each arm are told apart; a Problem where the counters cannot tell."""
    if preset is Preset.ENVOY:
        patterns = tuple((arm.name, _envoy_cluster(arm, namespace)) for arm in arms)
        return Selector(PRESETS[preset].arm, patterns)
    hosts = [full_host(arm.host, namespace) for arm in arms]
    if len(set(hosts)) == len(hosts):
        patterns = tuple((arm.name, re.escape(host)) for arm, host in zip(arms, hosts, strict=True))
        return Selector(PRESETS[preset].arm, patterns)
    if all(arm.deployment for arm in arms):
        patterns = tuple((arm.name, re.escape(arm.deployment or "")) for arm in arms)
        return Selector("destination_workload", patterns)
    return Problem(
        "ArmsIndistinct",
        "spec.arms: both arms have one host, and Istio's counters know no subset or port: "
        "set deployment on both arms, or use preset Envoy",
    )


def _envoy_cluster(arm: Arm, namespace: str) -> str:
    port = str(arm.port) if arm.port else "[0-9]+"
    host = re.escape(full_host(arm.host, namespace))
    return rf"outbound\|{port}\|{re.escape(arm.subset or '')}\|{host};?"


def counters(guardrail: Guardrail, which: Selector, window: float, at: float) -> Query:
    """The raw samples of a guardrail's counters in the ``window`` seconds before ``at``."""
    metrics = PRESETS[guardrail.preset]
    latency = guardrail.type is GuardrailType.LATENCY
    name = metrics.duration if latency else metrics.requests
    fixed = metrics.common if latency else metrics.common + metrics.by_code
    return Query(f"{name}{{{fixed}{which.matcher}}}[{window:.0f}s]", at)


def bad(guardrail: Guardrail, labels: Mapping[str, str]) -> bool:
    """Whether a series counts failed answers: those with a 5xx code."""
    return labels.get(PRESETS[guardrail.preset].code, "").startswith("5")
