"""What a guardrail counts as harm, with the defaults of its type."""

from controllers.api.modelcanary.spec import Guardrail, GuardrailType, ModelCanarySpec
from controllers.stats.evidence import Bounds

TOLERANCE = 1.1
MARGIN = {GuardrailType.ERROR_RATE: 1.5, GuardrailType.LATENCY: 1.25}
FLOOR = {GuardrailType.ERROR_RATE: 0.001, GuardrailType.LATENCY: 0.01}
COUNTS = 4
"""How many counts a run keeps evidence of, so that the status stays small."""


def bounds(guardrail: Guardrail, *, declared: bool = True) -> Bounds:
    """The limits of a guardrail; of a latency's edges only the declared one has a floor."""
    tolerance = guardrail.tolerance if guardrail.tolerance is not None else TOLERANCE
    margin = guardrail.margin if guardrail.margin is not None else MARGIN[guardrail.type]
    floor = guardrail.floor if guardrail.floor is not None else FLOOR[guardrail.type]
    return Bounds(tolerance, margin, floor if declared else 0.0)


def counted(spec: ModelCanarySpec) -> tuple[Guardrail, ...]:
    """The guardrails that are judged on counts, with a guarantee."""
    return tuple(g for g in spec.guardrails if g.type is not GuardrailType.THRESHOLD)


def edges_each(spec: ModelCanarySpec) -> int:
    """How many edges each latency guardrail may watch."""
    latencies = sum(1 for g in spec.guardrails if g.type is GuardrailType.LATENCY)
    rates = len(counted(spec)) - latencies
    return (COUNTS - rates) // max(1, latencies)
