"""One decision about a target that can be scaled: measure, learn, ask, choose, and say why."""

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.api.inferenceautoscaler.status import (
    Asked,
    InferenceAutoscalerStatus,
    Replicas,
    RevisionCapacity,
)
from controllers.inferenceautoscaler import (
    asks,
    capacity,
    level,
    others,
    report,
    schedule,
    startup,
    zero,
)
from controllers.inferenceautoscaler.choose import Choice, Limits, Memory, choose, remember
from controllers.inferenceautoscaler.promise import carry
from controllers.inferenceautoscaler.queries import asking, instant
from controllers.inferenceautoscaler.signals import Measured, measure
from controllers.inferenceautoscaler.situation import Situation, situation, work
from controllers.inferenceautoscaler.turn import Turn

GAP = 2.5
"""Intervals without a decision after which it is as if the present number had been asked for."""


def scale(turn: Turn) -> None:
    """Decides once an interval, and sees in between what others do."""
    spec, at = turn.spec, instant(turn.spec, turn.now)
    turn.look_again = max(at + spec.analysis.interval - turn.now, 0.05)
    # Until our own write of zero is seen, the target still looks as it was.
    zero = 0 in {turn.target.replicas, turn.status.replicas.desired}
    turn.finalizer = turn.meta.finalizer and zero
    same = turn.status.observed_generation == turn.meta.generation
    if at == turn.status.instant and same:
        _notice(turn, at)
    else:
        _decide(turn, at)


def _notice(turn: Turn, at: int) -> None:
    """Between two decisions: counts the replicas, and sees who else sets them."""
    status, last = turn.status, turn.status.last_scaled
    if last is not None and (last.at, last.from_replicas) == (at, turn.target.replicas):
        return  # Our own write may not have been seen yet; the next decision judges what is.
    if status.target_uid == turn.target.uid:
        memory = Memory(status.window, status.rising, status.falling)
        turn.set(window=others.notice(turn, memory, _hold(turn)).window)
    now = _counted(turn)
    starved = 0.0 if now.ready > status.replicas.ready else status.starved_for
    turn.set(replicas=now, starved_for=starved)


def _lead(turn: Turn) -> float:
    """Seconds from a decision until a replica that it asks for works."""
    planned = startup.planned(turn.status.startup, turn.spec.startup.initial)
    return planned + 2.0 * turn.spec.analysis.interval


def _hold(turn: Turn) -> float:
    # To give a replica back and start it again costs its start-up time: it is kept for as long.
    return max(turn.spec.scale_down.hold, _lead(turn))


def _decide(turn: Turn, at: int) -> None:
    spec, before = turn.spec, turn.status
    elapsed = min(max(at - before.instant, 0), GAP * spec.analysis.interval)
    lead, hold = _lead(turn), _hold(turn)
    memory = _memory(turn, at, hold)
    measured = _measured(turn, at)
    rate, _ = capacity.planned(spec.capacity, _known(turn), turn.target.revision)
    slots = spec.capacity.concurrency
    found = situation(measured, rate=rate is not None, concurrency=slots is not None)
    _learn(turn, found, measured, at, elapsed)
    said, ahead = _asked(turn, found, lead)
    if found.unknown:
        # What is not known may be as much as there was: it counts as asked for, for a whole hold.
        memory = remember(memory, at, turn.target.replicas, hold)
    held = (*found.unknown, *found.held, *_conflicts(turn))
    up = max((one.replicas for one in said), default=0)
    if found.blind and spec.min_replicas:
        up = max(up, turn.target.replicas)
    choice = choose(
        at,
        turn.target.replicas,
        up,
        ahead,
        _limits(
            spec,
            hold,
            may_rise=turn.status.starved_for <= startup.PATIENCE * lead,
            may_fall=not held,
        ),
        memory,
    )
    _carry_out(turn, said, choice, at)
    report.report(turn, said, held, choice, found, lead)
    if turn.writes:
        report.said_scaled(turn, said, choice)


def _counted(turn: Turn) -> Replicas:
    pods = [pod for pod in turn.target.pods if not pod.leaving]
    ready = sum(pod.ready_at is not None for pod in pods)
    return Replicas(
        current=turn.target.replicas,
        ready=ready,
        starting=len(pods) - ready,
        pending=sum(bool(pod.unplaced) for pod in pods),
        desired=turn.status.replicas.desired,
    )


def _memory(turn: Turn, at: int, hold: float) -> Memory:
    """What is remembered; a target that is new to us, or was not looked at, keeps what it has."""
    status, target = turn.status, turn.target
    memory = Memory(status.window, status.rising, status.falling)
    if status.target_uid != target.uid:
        turn.set(target_uid=target.uid, record=True)
        return remember(Memory(), at, target.replicas, hold)
    if at - status.instant > GAP * turn.spec.analysis.interval or at < status.instant:
        memory = remember(memory, at, target.replicas, hold)
    return others.notice(turn, memory, hold)


def _measured(turn: Turn, at: int) -> tuple[Measured, ...]:
    share = turn.seen.share.weight if turn.seen.share else 1.0
    before = {one.name: one for one in turn.status.signals}
    asked = asking(turn.spec, turn.meta.namespace, turn.spec.target_ref.name, at)
    return tuple(
        measure(
            one,
            turn.seen.answers,
            turn.target.pods,
            turn.meta.namespace,
            share,
            before.get(one.signal.name),
        )
        for one in asked
    )


def _learn(
    turn: Turn, found: Situation, measured: tuple[Measured, ...], at: int, elapsed: float
) -> None:
    """Takes in what was measured: replicas, start-up, capacity, the promise, what is missing."""
    spec, before = turn.spec, turn.status
    now = _counted(turn)
    worked = work(spec, before, turn.target, now.ready, found, at)
    revisions = capacity.learn(before.capacity.revisions, worked, spec.analysis.interval)
    starved = now.starting and now.ready <= before.replicas.ready
    # Where more replicas were asked for than may be, a miss says nothing of how many to plan for.
    judged = None if before.decision.limited_by == "Maximum" else found.met
    unknown = found.blind or (turn.target.replicas == 0 and bool(found.unknown))
    turn.set(
        instant=at,
        replicas=now,
        signals=tuple(one.status for one in measured),
        startup=startup.learn(before.startup, turn.target.pods, turn.now),
        capacity=before.capacity.model_copy(update={"revisions": revisions}),
        slo=report.attained(before.slo, found.met, spec.slo, elapsed),
        demand=level.cautious(before.demand, spec, judged, elapsed),
        blind_for=before.blind_for + elapsed if unknown else 0.0,
        idle_for=before.idle_for + elapsed if found.idle else 0.0,
        starved_for=before.starved_for + elapsed if starved else 0.0,
    )


def _asked(turn: Turn, found: Situation, lead: float) -> tuple[tuple[Asked, ...], int]:
    """What each reason asks for now, and the largest number that may be needed later."""
    spec, status = turn.spec, turn.status
    rate, source = capacity.planned(spec.capacity, _known(turn), turn.target.revision)
    turn.set(capacity=status.capacity.model_copy(update={"per_replica": rate, "source": source}))
    upper, later = _bounds(turn, status)
    load = asks.Load(
        ready=status.replicas.ready,
        starting=status.replicas.starting,
        demand=found.demand,
        lately=found.lately,
        backlog=found.backlog,
        in_flight=found.in_flight,
        upper=upper,
        later=later,
        reserve=status.demand.reserve or 1.0,
        missed=status.slo.missed_for,
    )
    replica = asks.Replica(rate, spec.capacity.concurrency, carry(spec, rate), spec.slo.wait)
    said, ahead = asks.asks(load, replica)
    expected = _median(turn) * lead
    said += zero.asks(
        spec, turn.target.replicas, found, status.idle_for, status.blind_for, expected
    )
    said += schedule.minima(spec.schedule, turn.now, lead)
    said += _fallback(turn, found) + _floor(turn)
    said += (Asked(reason="Minimum", replicas=spec.min_replicas),)
    idle = turn.target.replicas == 0 or status.idle_for >= spec.scale_to_zero.idle
    if spec.min_replicas == 0 and idle and not found.wanted and expected < 1.0:
        # The cautious bound is hardly ever nothing: of nothing it is the likely demand that counts.
        said = tuple(one for one in said if one.reason != "Forecast")
        ahead = 0
    return said, max([ahead, *(one.replicas for one in said)])


def _known(turn: Turn) -> tuple[RevisionCapacity, ...]:
    """What was learned about this target, after what was learned about the other arm's."""
    return (*turn.seen.elsewhere, *turn.status.capacity.revisions)


def _bounds(turn: Turn, status: InferenceAutoscalerStatus) -> tuple[float | None, float | None]:
    """The bounds of demand until a replica is ready, and over twice that time."""
    probability = status.demand.quantile or turn.spec.forecast.quantile
    share = _share(turn)
    near, far = turn.seen.outlook, turn.seen.later
    upper = near.upper(probability) * share if near is not None and near.trusted else None
    later = far.upper(probability) * share if far is not None and far.trusted else None
    return upper, later


def _median(turn: Turn) -> float:
    """The demand that is as likely exceeded as not, in requests per second; 0: not trusted."""
    near = turn.seen.outlook
    return near.upper(0.5) * _share(turn) if near is not None and near.trusted else 0.0


def _share(turn: Turn) -> float:
    routed = any(s.role is Role.DEMAND and s.scope == "Route" for s in turn.spec.signals)
    return turn.seen.share.weight if routed and turn.seen.share else 1.0


def _fallback(turn: Turn, found: Situation) -> tuple[Asked, ...]:
    fallback = turn.spec.fallback
    if fallback is None or not found.blind or turn.status.blind_for < fallback.after:
        return ()
    return (
        Asked(reason="Fallback", replicas=fallback.replicas, message="nothing can be measured"),
    )


def _floor(turn: Turn) -> tuple[Asked, ...]:
    """While a ModelCanary judges, its stable arm keeps what it had when the run began."""
    share, floor = turn.seen.share, turn.status.floor
    if share is None or not share.running or not share.stable:
        turn.set(floor=None, record=floor is not None)
        return ()
    if floor is None or (floor.canary, floor.run) != (share.canary, share.run):
        floor = report.floor(share, turn.target.replicas)
        turn.set(floor=floor, record=True)
    said = f"ModelCanary {share.canary} judges its run {share.run} against this arm"
    return (Asked(reason="Floor", replicas=floor.replicas, message=said[:160]),)


def _conflicts(turn: Turn) -> tuple[str, ...]:
    return ("someone else keeps setting the replicas",) if turn.truth("Conflict") == "True" else ()


def _limits(
    spec: InferenceAutoscalerSpec, hold: float, *, may_rise: bool, may_fall: bool
) -> Limits:
    up, down = spec.scale_up, spec.scale_down
    return Limits(
        least=spec.min_replicas,
        most=spec.max_replicas,
        hold=hold,
        tolerance=down.tolerance,
        up_share=up.percent / 100.0,
        up_replicas=up.replicas,
        up_period=up.period,
        down_share=down.percent / 100.0,
        down_period=down.period,
        may_rise=may_rise,
        may_fall=may_fall,
    )


def _carry_out(turn: Turn, said: tuple[Asked, ...], choice: Choice, at: int) -> None:
    """Writes the number, where it is to be, and keeps what the next decision must know."""
    current = turn.target.replicas
    turn.set(
        window=choice.memory.window,
        rising=choice.memory.rising,
        falling=choice.memory.falling,
        replicas=turn.status.replicas.model_copy(update={"desired": choice.replicas}),
    )
    if not turn.acts or choice.replicas == current:
        return
    if choice.replicas == 0:
        turn.finalizer = True
    turn.scale(choice.replicas)
    turn.set(replicas=turn.status.replicas.model_copy(update={"current": choice.replicas}))
    top = max(said, key=lambda one: one.replicas, default=None)
    reason = top.reason if top is not None else "Maximum"
    report.scaled(turn, current, choice.replicas, at, reason)
