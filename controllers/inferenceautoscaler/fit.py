"""Keeps a status small: its texts give way before anything that a decision rests on."""

from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus

MOST = 8000
"""Bytes of a status on the wire, a little below the 8 KiB that are allowed."""


def fit(status: InferenceAutoscalerStatus) -> InferenceAutoscalerStatus:
    """``status`` as it is where it is small enough, which is nearly always; else with less text."""
    for longest in (200, 100, 50, 0):
        if len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MOST:
            break
        status = _cut(status, longest)
    return status


def _cut(status: InferenceAutoscalerStatus, longest: int) -> InferenceAutoscalerStatus:
    def short(text: str) -> str:
        return text if len(text) <= longest else text[: max(longest - 3, 0)] + "..."[:longest]

    decision = status.decision
    return status.model_copy(
        update={
            "decision": decision.model_copy(
                update={
                    "asked": tuple(
                        one.model_copy(update={"message": short(one.message)})
                        for one in decision.asked
                    ),
                    "held": tuple(short(one) for one in decision.held),
                }
            ),
            "signals": tuple(
                one.model_copy(update={"message": short(one.message)}) for one in status.signals
            ),
            "conditions": tuple(
                one.model_copy(update={"message": short(one.message)}) for one in status.conditions
            ),
        }
    )
