"""From the last replica to none and back: slowly down, at once up, and up when in doubt."""

from collections.abc import Mapping

from controllers.api.base import go_duration
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import Asked
from controllers.inferenceautoscaler.situation import Situation

AFTER = 120.0
"""Seconds without a measurement until a target at zero is woken, where no fallback says so."""


def asks(
    spec: InferenceAutoscalerSpec,
    current: int,
    found: Situation,
    idle_for: float,
    blind_for: float,
    expected: float,
) -> tuple[Asked, ...]:
    """What keeps or wakes the first replica.

    ``idle_for`` and ``blind_for`` are seconds; ``expected`` is how many requests a trusted forecast
    has coming before a replica that is asked for now is ready.
    """
    if spec.min_replicas > 0:
        return ()
    said: Mapping[str, bool] = {
        "requests are coming in": found.wanted,
        "requests are expected before a replica would be ready": expected >= 1.0,
        "what there is to do is not known": bool(found.unknown) and current > 0,
        f"not known for {go_duration(round(blind_for))} what there is to do": (
            bool(found.unknown) and blind_for >= (spec.fallback.after if spec.fallback else AFTER)
        ),
        f"idle for {go_duration(round(idle_for))} of {go_duration(spec.scale_to_zero.idle)}": (
            current > 0 and idle_for < spec.scale_to_zero.idle
        ),
    }
    why = next((text for text, holds in said.items() if holds), "")
    return (Asked(reason="Activation", replicas=1, message=why),) if why else ()
