"""Keeps the route at the weights that were decided and tells its own writes from other hands."""

from controllers.api.modelcanary import RESUME
from controllers.api.modelcanary.status import Cause, Evidence, Phase, Weights
from controllers.modelcanary import blocks, judge
from controllers.modelcanary.turn import Turn
from controllers.routing import istio
from controllers.routing.istio import Destination, Problem, Split

REPAIRS = 3
"""How often a hand-made edit that raises the candidate is repaired ..."""
REPAIR_SECONDS = 300
"""... within this time, before it is left alone."""
WRITE_SECONDS = 2.0
"""How soon to look again after a write, should no event tell of it."""


def split(turn: Turn, candidate: str) -> Split | Problem:
    """The live weights, with ``candidate`` as the arm whose share is counted."""
    pair = [
        Destination(arm.host, arm.subset, arm.port)
        for arm in (turn.other(candidate), turn.arm(candidate))
    ]
    return istio.read(turn.route, turn.spec.route_ref.routes, pair[0], pair[1])


def aim(turn: Turn, arm: str, percent: int, applied: int) -> None:
    """Put on record what the route shall say, before it is written."""
    observed = turn.weights.observed if turn.status.weights else None
    weights = Weights(arm=arm, desired=percent, applied=applied, observed=observed)
    turn.set(weights=weights, record=True)
    turn.look_again = 0.0


def keep(turn: Turn, live: Split) -> bool:
    """Whether the route says what was decided; writes it, or gives way to a person, where not."""
    weights = turn.weights
    if istio.matches(live, weights.desired):
        if weights.applied != weights.desired:
            _applied(turn, weights.desired)
        return True
    # Not written yet; and on the way back nobody is given way to.
    if istio.matches(live, weights.applied) or turn.status.phase is Phase.ROLLING_BACK:
        _write(turn, live)
        return False
    return _foreign(turn, live, weights)


def _write(turn: Turn, live: Split) -> None:
    """Ask for the write, unless the arm that gains by it has nobody to answer."""
    weights = turn.weights
    if weights != turn.before.weights:
        turn.look_again = 0.0  # the intent goes on record before it is acted on
        return
    up = not istio.raised(live, weights.desired)
    gaining = turn.arm(weights.arm) if up else turn.other(weights.arm)
    turn.look_again = WRITE_SECONDS
    if not turn.seen.ready.get(gaining.name, 1):
        message = f"Deployment {gaining.deployment} of arm {gaining.name} has no ready replica"
        if turn.status.reason != "ArmUnavailable":
            turn.say("ArmUnavailable", f"{message}: it is given no traffic", warning=True)
        return
    turn.writes.append(istio.write(turn.route, live, weights.desired))


def _applied(turn: Turn, percent: int) -> None:
    weights = turn.weights
    turn.set(weights=weights.model_copy(update={"applied": percent, "observed": None}), record=True)
    settle_evidence(turn)


def settle_evidence(turn: Turn) -> None:
    """The weight moved: start evidence anew, once two scrapes have seen only the new weight."""
    evidence = turn.status.evidence
    if evidence is None:
        return
    moved: Evidence = judge.restart(turn.spec, evidence).model_copy(
        update={
            "open_from": blocks.settled(turn.now, turn.spec.analysis),
            "step": 0.0,
        }
    )
    turn.set(evidence=moved, record=True)


def _foreign(turn: Turn, live: Split, weights: Weights) -> bool:
    seen = istio.percent(live)
    who = f"VirtualService {turn.spec.route_ref.name} gives {weights.arm} {seen} %"
    if not istio.raised(live, weights.applied):
        if turn.status.held is not None and seen == weights.applied:
            return True
        _hold(turn, "ForeignEdit", f"{who} instead of {weights.applied} %: an edit by hand", seen)
        return False
    recent = tuple(at for at in turn.status.repairs if turn.now - at < REPAIR_SECONDS)
    if len(recent) >= REPAIRS:
        _hold(turn, "RepairLimit", f"{who}, although it was repaired {REPAIRS} times", seen)
        return False
    turn.set(repairs=(*recent, int(turn.now)))
    turn.say(
        "ForeignEdit",
        f"{who} instead of {weights.applied} %: repaired ({len(recent) + 1} of {REPAIRS})",
        warning=True,
    )
    settle_evidence(turn)
    _write(turn, live)
    return False


def _hold(turn: Turn, reason: str, what: str, percent: int) -> None:
    weights = turn.weights
    message = (
        f"{what}; it is kept. To go on: annotate {RESUME}={turn.status.run}/{turn.status.step}"
    )
    kept = Weights(arm=weights.arm, desired=percent, applied=percent)
    turn.set(held=Cause(reason=reason, message=message[:512]), weights=kept)
    if turn.running:
        turn.set(phase=Phase.HELD)
    turn.say(reason, message, warning=True)
    settle_evidence(turn)
    turn.look_again = 0.0
