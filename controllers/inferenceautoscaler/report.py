"""What status says of a decision: the numbers, the conditions and one sentence with the reason."""

import math
from collections.abc import Sequence

from controllers.api.base import decimal, go_duration
from controllers.api.inferenceautoscaler.spec import Mode, Slo
from controllers.api.inferenceautoscaler.status import (
    Asked,
    Decision,
    Demand,
    Direction,
    Floor,
    Health,
    Scaled,
    SloStatus,
)
from controllers.inferenceautoscaler import startup
from controllers.inferenceautoscaler.choose import Choice
from controllers.inferenceautoscaler.seen import Outlook, Share
from controllers.inferenceautoscaler.signals import HUGE
from controllers.inferenceautoscaler.situation import Situation
from controllers.inferenceautoscaler.turn import Turn

DAY = 86400.0
REVERSALS = 50


def report(
    turn: Turn,
    said: Sequence[Asked],
    held: Sequence[str],
    choice: Choice,
    found: Situation,
    lead: float,
) -> None:
    """Says everything about a decision that was made."""
    current = turn.target.replicas
    direction = (
        Direction.UP if choice.replicas > current
        else Direction.DOWN if choice.replicas < current
        else Direction.STAY
    )  # fmt: skip
    asked = tuple(sorted(said, key=lambda one: -one.replicas))[:10]
    turn.set(
        decision=Decision(
            direction=direction,
            asked=asked,
            held=tuple(one[:160] for one in held)[:8],
            limited_by=choice.limited_by,
        ),
        demand=_demand(turn, found, lead),
    )
    lately = tuple(one for one in turn.status.reversals if turn.now - DAY < one <= turn.now)
    turn.set(reversals=lately, reversals24h=len(lately))
    _conditions(turn, said, held, choice, found, lead)
    if not turn.writes:
        turn.set(reason=_reason(turn, choice), message=_sentence(turn, asked, held, choice)[:512])


def _demand(turn: Turn, found: Situation, lead: float) -> Demand:
    known, outlook = turn.status.demand, turn.seen.outlook
    said = Demand(
        now=found.demand,
        quantile=known.quantile,
        reserve=known.reserve,
        horizon=float(round(lead)),
    )
    if outlook is None:
        return said
    trusted = outlook.trusted
    return said.model_copy(
        update={
            "upper": min(outlook.upper(known.quantile or 0.5), HUGE) if trusted else None,
            "model": outlook.model,
            "skill": _finite(outlook.skill),
            "coverage": _finite(outlook.coverage95),
            "samples": outlook.samples,
        }
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _reason(turn: Turn, choice: Choice) -> str:
    if turn.spec.suspend:
        return "Suspended"
    if turn.spec.mode is Mode.ADVISORY:
        return "Advised"
    return "Limited" if choice.limited_by else "Kept"


def _sentence(turn: Turn, asked: Sequence[Asked], held: Sequence[str], choice: Choice) -> str:
    current = turn.target.replicas
    first = asked[0] if asked else None
    why = f"{first.reason} asks for {first.replicas}" if first else "nothing asks for any"
    why += f" ({first.message})" if first is not None and first.message else ""
    if choice.replicas != current:
        return f"would go from {current} to {choice.replicas}: {why}"
    if held and first is not None and first.replicas < current:
        return f"stays at {current}: {why}, but {'; '.join(held)}"
    if choice.keep > (first.replicas if first else 0):
        return f"stays at {current}: {why}; {choice.keep} were asked for lately"
    return f"stays at {current}: {why}"


def scaled(turn: Turn, current: int, replicas: int, at: int, reason: str) -> None:
    """Records a change that is written, and the reversal that it may be."""
    last, turns = turn.status.last_scaled, turn.status.reversals
    if last is not None and last.to_replicas > last.from_replicas and replicas < current:
        turns = (*turns, at)
    turn.set(
        last_scaled=Scaled(at=at, from_replicas=current, to_replicas=replicas, reason=reason),
        reversals=turns[-REVERSALS:],
    )


def said_scaled(turn: Turn, said: Sequence[Asked], choice: Choice) -> None:
    """Tells of a change, and which reason made it."""
    current = turn.target.replicas
    top = max(said, key=lambda one: one.replicas, default=None)
    why = f"{top.reason} asks for {top.replicas}" if top else "nothing asks for any"
    why += f" ({top.message})" if top is not None and top.message else ""
    if choice.limited_by:
        why += f", limited by {choice.limited_by}"
    reason = "ScaledUp" if choice.replicas > current else "ScaledDown"
    turn.say(reason, f"from {current} to {choice.replicas} replicas: {why}")


def attained(known: SloStatus, met: float | None, slo: Slo, elapsed: float) -> SloStatus:
    """The share of requests that kept the promise, with exponential weights over the window."""
    if met is None:
        return known.model_copy(update={"missed_for": 0})
    share = 1.0 - math.exp(-elapsed / slo.window)
    old = met if known.attained is None else known.attained
    missed = known.missed_for + 1 if met < slo.objective else 0
    return SloStatus(attained=old + share * (met - old), missed_for=missed)


def floor(share: Share, replicas: int) -> Floor:
    """The replicas that a run of a ModelCanary keeps for its stable arm."""
    return Floor(canary=share.canary, run=share.run, replicas=replicas)


def _conditions(
    turn: Turn,
    said: Sequence[Asked],
    held: Sequence[str],
    choice: Choice,
    found: Situation,
    lead: float,
) -> None:
    status = turn.status
    turn.condition("Accepted", "Accepted", value=True)
    _measured(turn, found)
    _learned(turn)
    _forecast(turn, turn.seen.outlook)
    _room(turn)
    objective = turn.spec.slo.objective
    late = status.slo.attained is not None and status.slo.attained < objective
    starting = status.starved_for > startup.PATIENCE * lead
    message = (
        f"no replica got ready in {go_duration(round(status.starved_for))}: no more are asked for"
        if starting
        else f"attained {decimal(status.slo.attained, 4)} of {decimal(objective, 4)}"
        if status.slo.attained is not None
        else ""
    )
    if turn.condition("SloAtRisk", "NotStarting" if starting else "Missed" if late else "Met",
                      message, value=late or starting) and (late or starting):  # fmt: skip
        turn.say("SloAtRisk", message, warning=True)
    needed = max((one.replicas for one in said), default=0)
    holds = bool(held) and needed < turn.target.replicas
    turn.condition("DecreaseHeld", "Held" if holds else "Free", "; ".join(held) if holds else "",
                   value=holds)  # fmt: skip
    ready = not found.blind and not starting and turn.truth("RoomForReplicas") != "False"
    turn.condition("Ready", _reason(turn, choice), value=ready)


def _measured(turn: Turn, found: Situation) -> None:
    """Whether all is measured; replicas that are too new to be scraped are nobody's fault."""
    bad = [one for one in turn.status.signals if one.health is not Health.OK]
    faults = [one for one in bad if one.health is not Health.WARMING]
    words = "; ".join(f"{one.name} is {one.health}: {one.message}" for one in faults or bad)
    if bad and not faults:
        turn.condition("MetricsAvailable", str(Health.WARMING), words, value=None)
        return
    reason = "Measured" if not bad else "Blind" if found.blind else str(faults[0].health)
    if turn.condition("MetricsAvailable", reason, words, value=not bad) and bad:
        turn.say(f"Signal{faults[0].health}", words, warning=True)


def _learned(turn: Turn) -> None:
    capacity = turn.status.capacity
    known = capacity.source != "Concurrency"
    message = (
        f"{decimal(capacity.per_replica, 4)} requests/s per replica, {capacity.source.lower()}"
        if capacity.per_replica is not None
        else "not known yet: planned by requests in flight against spec.capacity.concurrency"
    )
    turn.condition("CapacityLearned", capacity.source, message, value=known)


def _forecast(turn: Turn, outlook: Outlook | None) -> None:
    if turn.spec.forecast.mode == "Off":
        turn.condition("ForecastTrusted", "Off", value=False)
    elif outlook is None:
        turn.condition("ForecastTrusted", "NoHistory", "not read back yet", value=False)
    elif outlook.trusted:
        turn.condition("ForecastTrusted", "Trusted", f"by {outlook.model}", value=True)
    else:
        turn.condition("ForecastTrusted", "TooLittle", outlook.why_not, value=False)


def _room(turn: Turn) -> None:
    unplaced = [pod for pod in turn.target.pods if pod.unplaced and not pod.leaving]
    if not unplaced:
        turn.condition("RoomForReplicas", "Placed", value=True)
        return
    message = f"{len(unplaced)} replicas find no node: {unplaced[0].unplaced}"
    if turn.condition("RoomForReplicas", "Unschedulable", message, value=False):
        turn.say("NoRoom", message, warning=True)
