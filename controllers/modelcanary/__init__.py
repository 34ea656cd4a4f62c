"""ModelCanary: what it needs to know and what it decides; all of its judgement and nothing else."""

from controllers import conditions
from controllers.api.modelcanary.spec import GuardrailType, ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus, Phase, Verdict
from controllers.modelcanary import answers, blocks, judge, leave, rest, run
from controllers.modelcanary.queries import selector
from controllers.modelcanary.seen import Seen
from controllers.modelcanary.turn import RUNNING, Turn
from controllers.plan import Meta, Plan
from controllers.readings import Query
from controllers.refusal import refusal
from controllers.routing.istio import Problem

__all__ = ["Seen", "decide", "needs", "refuse"]


def needs(
    meta: Meta, spec: ModelCanarySpec, status: ModelCanaryStatus, now: float
) -> tuple[Query, ...]:
    """The queries whose answers the next decision uses; none at rest or before a block is over."""
    if status.evidence is None or status.phase not in RUNNING:
        return ()
    if status.phase is Phase.ROLLING_BACK and not meta.deleting:
        return ()
    evidence = blocks.past(status.evidence, spec.analysis, meta.uid, now)
    return judge.queries(meta, spec, evidence, now)


def decide(
    meta: Meta, spec: ModelCanarySpec, status: ModelCanaryStatus, seen: Seen, now: float
) -> Plan[ModelCanaryStatus]:
    """What shall be done now; the same for the same arguments, and safe to do twice."""
    if status.evidence is not None:
        evidence = blocks.past(status.evidence, spec.analysis, meta.uid, now)
        status = status.model_copy(update={"evidence": evidence})
    turn = Turn(meta, spec, seen, now, status)
    if meta.deleting:
        leave.leave(turn)
        return turn.plan()
    problem = _unusable(turn) or _steer(turn)
    _accepted(turn, problem)
    _summary(turn)
    return turn.plan()


def refuse(
    meta: Meta, status: ModelCanaryStatus, message: str, now: float
) -> Plan[ModelCanaryStatus]:
    """Say that the spec cannot be read; nothing is moved, and a deletion is not held up."""
    holds = status.phase in RUNNING and not meta.deleting
    return refusal(meta, status, message, now, longest=1024, finalizer=holds)


def _steer(turn: Turn) -> Problem | None:
    asked = answers.take(turn)
    if turn.running:
        return run.run(turn, asked)
    if turn.status.stable is None:
        return rest.adopt(turn)
    return rest.rest(turn, asked)


def _unusable(turn: Turn) -> Problem | None:
    """Why the canary cannot work as the world is now."""
    name = turn.spec.route_ref.name
    if turn.seen.holder is not None:
        return Problem(
            "RouteTaken",
            f"spec.routeRef: ModelCanary {turn.seen.holder} is older and moves VirtualService "
            f"{name}: this one starts when that one is deleted",
        )
    if turn.seen.unserved:
        return Problem(
            "IstioMissing",
            f"{turn.seen.unserved}: install Istio, or let the operator read its VirtualServices",
        )
    if turn.seen.route is None:
        return Problem(
            "RouteNotFound",
            f"spec.routeRef.name: there is no VirtualService {name} in namespace "
            f"{turn.meta.namespace}",
        )
    for guardrail in turn.spec.guardrails:
        if guardrail.type is GuardrailType.THRESHOLD:
            continue
        which = selector(guardrail.preset, turn.spec.arms, turn.meta.namespace)
        if isinstance(which, Problem):
            return which
    return None


def _accepted(turn: Turn, problem: Problem | None) -> None:
    if problem is None:
        old = conditions.get(turn.status.conditions, "Accepted")
        turn.condition("Accepted", "Accepted", value=True)
        if old is not None and old.status == "False" and turn.status.reason == old.reason:
            turn.say("Accepted", f"no longer {old.reason}: the canary works again")
        return
    before = turn.status.conditions
    turn.condition("Accepted", problem.reason, problem.message, value=False)
    if turn.status.conditions != before:
        turn.say(problem.reason, problem.message, warning=True)


def _summary(turn: Turn) -> None:
    """The conditions that other tools read: did the release pass, is everything at rest."""
    status = turn.status
    for arm, ready in turn.seen.ready.items():
        if status.candidate is not None and arm == status.candidate.arm:
            named = turn.arm(arm).deployment
            found = "does not exist" if ready is None else f"has {ready} ready replicas"
            reason = "Ready" if ready else "NotReady"
            said = f"Deployment {named} {found}"
            turn.condition("CandidateAvailable", reason, said, value=bool(ready))
    if status.run:
        passed = {Verdict.PASS: True, Verdict.FAIL: False}.get(
            status.verdict or Verdict.INCONCLUSIVE
        )
        reason = "AwaitingVerdict" if status.verdict is None else status.verdict.value
        turn.condition("Passed", reason, status.reason, value=passed)
    resting = status.phase in {Phase.SETTLED, Phase.PROMOTED} and status.held is None
    accepted = all(c.status == "True" for c in status.conditions if c.type == "Accepted")
    turn.condition("Ready", status.phase.value, status.reason, value=resting and accepted)
