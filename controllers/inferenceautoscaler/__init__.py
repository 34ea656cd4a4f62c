"""InferenceAutoscaler: what it needs to know and what it decides; all of its judgement."""

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.inferenceautoscaler import leave, scale, schedule
from controllers.inferenceautoscaler.queries import asking, instant
from controllers.inferenceautoscaler.seen import Seen
from controllers.inferenceautoscaler.turn import Turn
from controllers.plan import Meta, Plan
from controllers.readings import Missing, Query
from controllers.refusal import refusal

__all__ = ["Seen", "decide", "needs", "refuse"]


def needs(
    meta: Meta, spec: InferenceAutoscalerSpec, status: InferenceAutoscalerStatus, now: float
) -> tuple[Query, ...]:
    """The queries whose answers the next decision uses; none between two instants."""
    at = instant(spec, now)
    if meta.deleting or (status.instant == at and status.observed_generation == meta.generation):
        return ()
    asked = asking(spec, meta.namespace, spec.target_ref.name, at)
    return tuple(dict.fromkeys(query for one in asked for query in one.all))


def decide(
    meta: Meta,
    spec: InferenceAutoscalerSpec,
    status: InferenceAutoscalerStatus,
    seen: Seen,
    now: float,
) -> Plan[InferenceAutoscalerStatus]:
    """What shall be done now; the same for the same arguments, and safe to do twice."""
    turn = Turn(meta, spec, seen, now, status)
    if meta.deleting:
        leave.leave(turn)
        return turn.plan()
    reason, message = _unusable(turn)
    if reason:
        _refused(turn, reason, message)
    else:
        scale.scale(turn)
    return turn.plan()


def refuse(
    meta: Meta, status: InferenceAutoscalerStatus, message: str, now: float
) -> Plan[InferenceAutoscalerStatus]:
    """Say that the spec cannot be read; nothing is scaled, and a deletion is not held up."""
    holds = meta.finalizer and not meta.deleting
    return refusal(meta, status, message, now, longest=512, finalizer=holds)


def _unusable(turn: Turn) -> tuple[str, str]:
    """Why it cannot work as the world is now: a reason and a message, or twice nothing."""
    spec, seen, name = turn.spec, turn.seen, turn.spec.target_ref.name
    what = f"{spec.target_ref.kind} {name}"
    if seen.refused:
        return "TargetRefused", f"spec.targetRef: {seen.refused}"
    if seen.holder:
        return "TargetTaken", (
            f"spec.targetRef: InferenceAutoscaler {seen.holder} is older and scales {what}:"
            " this one starts when that one is deleted"
        )
    if seen.owner:
        return "TargetTaken", (
            f"spec.targetRef: {seen.owner} scales {what} too: delete it, or delete this"
            " InferenceAutoscaler; until then this one writes nothing"
        )
    if seen.unserved:
        return "TargetUnreadable", seen.unserved
    if problem := schedule.problem(spec.schedule):
        return "InvalidSchedule", problem
    if seen.target is None:
        return "TargetNotFound", (
            f"spec.targetRef.name: there is no {what} in namespace {turn.meta.namespace}"
        )
    if problem := _wrong_query(turn):
        return "InvalidQuery", problem
    return "", ""


def _wrong_query(turn: Turn) -> str:
    """Which of the user's own queries Prometheus cannot read; empty: none that was asked now."""
    at = instant(turn.spec, turn.now)
    for one in asking(turn.spec, turn.meta.namespace, turn.spec.target_ref.name, at):
        answered = turn.seen.answers.get(one.value)
        if one.group is None and isinstance(answered, Missing) and answered.wrong:
            return f"spec.signals[{one.signal.name}].query: {answered.detail}"
    return ""


def _refused(turn: Turn, reason: str, message: str) -> None:
    if (
        turn.condition("Accepted", reason, message, value=False)
        or turn.status.message != message[:512]
    ):
        turn.say(reason, message, warning=True)
    turn.condition("Ready", reason, value=False)
    turn.finalizer = turn.meta.finalizer
    turn.look_again = 60.0 if reason == "InvalidQuery" else None
