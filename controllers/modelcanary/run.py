"""During a run: judges each block, raises the weight on evidence and takes it back on evidence."""

from controllers.api.modelcanary import ABORT, APPROVE, RESUME
from controllers.api.modelcanary.spec import OnInconclusive
from controllers.api.modelcanary.status import Cause, Phase, Verdict
from controllers.modelcanary import blocks, judge, weights
from controllers.modelcanary.judge import Judgement
from controllers.modelcanary.rest import policy
from controllers.modelcanary.turn import Turn
from controllers.routing.istio import Problem

SUPERSEDED = "Superseded"
_FAILED = frozenset({"Regressed", "ThresholdFailed"})


def run(turn: Turn, asked: frozenset[str]) -> Problem | None:
    """One look at a run; a Problem where the route cannot be used, and then nothing is moved."""
    live = weights.split(turn, turn.candidate.arm)
    if isinstance(live, Problem):
        return live
    _told(turn, asked)
    steady = weights.keep(turn, live)
    if turn.status.phase is Phase.ROLLING_BACK:
        if steady:
            _returned(turn)
        return None
    found = judge.judge(turn)
    if turn.look_again is None:
        turn.look_again = found.retry or blocks.wait(turn.evidence, turn.spec.analysis, turn.now)
    if found.against:
        back(turn, *found.against)
    elif turn.status.phase is Phase.PROMOTING:
        if steady and turn.weights.applied == 100:
            _promoted(turn)
    elif steady:
        _advance(turn, found)
    return None


def _told(turn: Turn, asked: frozenset[str]) -> None:
    """Do what people say by annotation or by a changed spec."""
    if APPROVE in asked:
        turn.set(approved=f"{turn.status.run}/{turn.status.step}")
        turn.say("Approved", f"step {turn.status.run}/{turn.status.step} is approved")
    if RESUME in asked:
        turn.set(held=None, repairs=())
        turn.say("Resumed", f"step {turn.status.run}/{turn.status.step} goes on, as asked")
    if turn.status.phase is not Phase.ROLLING_BACK:
        _leave_if_told(turn, asked)


def back(turn: Turn, reason: str, message: str) -> None:
    """Begin the return of all traffic to the stable arm."""
    cause = Cause(reason=reason, message=message[:512])
    turn.set(phase=Phase.ROLLING_BACK, returning=cause, held=None, eta=None)
    weights.aim(turn, turn.weights.arm, 0, turn.weights.applied)
    turn.say(reason, message, warning=reason != SUPERSEDED)


def _leave_if_told(turn: Turn, asked: frozenset[str]) -> None:
    release, candidate = turn.spec.release, turn.candidate
    if ABORT in asked:
        back(turn, "Aborted", f"run {turn.status.run} was aborted at step {turn.status.step}")
    elif (release.arm, release.version) != (candidate.arm, candidate.version):
        back(turn, SUPERSEDED, f"spec.release is now {release.arm} with version {release.version}")
    elif turn.status.policy_digest != policy(turn):
        back(turn, SUPERSEDED, "the guardrails or the error budget changed: the run starts anew")


def _returned(turn: Turn) -> None:
    cause = turn.returning
    turn.set(returning=None, evidence=None, approved="", record=True)
    if cause.reason == SUPERSEDED:
        turn.set(phase=Phase.SETTLED, candidate=None)
        turn.look_again = 0.0
        return
    failed = cause.reason in _FAILED
    turn.set(phase=Phase.ROLLED_BACK, verdict=Verdict.FAIL if failed else Verdict.INCONCLUSIVE)
    turn.say(
        "RolledBack",
        f"arm {turn.stable.arm} has all of the traffic again. {cause.reason}: {cause.message}",
        warning=True,
    )


def _promoted(turn: Turn) -> None:
    status = turn.status
    certified = judge.certified(turn)
    turn.set(
        phase=Phase.PROMOTED,
        stable=turn.candidate,
        verdict=Verdict.PASS if certified else Verdict.INCONCLUSIVE,
        evidence=None,
        eta=None,
        approved="",
    )
    turn.say(
        "Promoted",
        f"version {turn.candidate.version} on arm {turn.candidate.arm} has all of the traffic: "
        + status.message,
    )


def _advance(turn: Turn, found: Judgement) -> None:
    """Raise the weight where time, evidence and people allow it; say what is awaited otherwise."""
    status = turn.status
    evidence = turn.evidence
    if status.held is not None:
        turn.phase(Phase.HELD, status.held.reason, status.held.message)
    elif turn.spec.suspend:
        turn.phase(Phase.HELD, "Suspended", "spec.suspend is true: no weight is raised")
    elif status.phase is Phase.INCONCLUSIVE and status.approved != status.at:
        turn.wait("Inconclusive", found.message)
    elif status.step == 0:
        _first(turn, found)
    elif evidence.run >= turn.spec.deadline and status.phase is not Phase.INCONCLUSIVE:
        _inconclusive(turn, found)
    else:
        _step(turn, found)


def _first(turn: Turn, found: Judgement) -> None:
    if found.judged:
        _raise(turn, 1, "the counters are readable")
    else:
        turn.phase(Phase.PROGRESSING, found.reason, found.message)


def _step(turn: Turn, found: Judgement) -> None:
    status, spec = turn.status, turn.spec
    number = min(status.step, len(spec.steps))
    step = spec.steps[number - 1]
    last = number == len(spec.steps)
    # After an edit by hand, or of the spec: down at once, up only on measurements.
    if step.weight != turn.weights.desired:
        if step.weight < turn.weights.desired or found.judged:
            weights.aim(turn, turn.weights.arm, step.weight, turn.weights.applied)
        else:
            turn.phase(Phase.PROGRESSING, "AwaitingMeasurement", found.message)
        return
    remaining = step.min_duration - turn.evidence.step
    phase = Phase.CERTIFYING if last and remaining <= 0 else Phase.PROGRESSING
    if remaining > 0:
        turn.phase(
            phase, "StepRunning", f"{remaining:.0f} s of step {number} left. {found.message}"
        )
    elif found.holds:
        turn.phase(phase, *found.holds)
    elif step.pause is not None and not _approved(turn):
        turn.phase(
            Phase.PAUSED,
            "AwaitingApproval",
            f"annotate {APPROVE}={status.run}/{status.step}. {found.message}",
        )
    elif not last:
        _raise(turn, number + 1, found.message)
    elif found.certified or _waived(turn):
        _promote(turn, found)
    else:
        turn.phase(Phase.CERTIFYING, "AwaitingEvidence", found.message)


def _approved(turn: Turn) -> bool:
    status = turn.status
    here = f"{status.run}/{status.step}"
    return status.approved == here or turn.spec.approve == turn.spec.release.version


def _waived(turn: Turn) -> bool:
    """Whether the certificate is not needed: past the deadline, by policy or by a person."""
    evidence = turn.evidence
    if evidence.run < turn.spec.deadline:
        return False
    approved = turn.status.approved == f"{turn.status.run}/{turn.status.step}"
    return turn.spec.on_inconclusive is OnInconclusive.PROMOTE or approved


def _inconclusive(turn: Turn, found: Judgement) -> None:
    policy_ = turn.spec.on_inconclusive
    if policy_ is OnInconclusive.ROLLBACK:
        back(turn, "DeadlinePassed", f"no verdict by the deadline. {found.message}")
    elif policy_ is OnInconclusive.PROMOTE or found.certified:
        _step(turn, found)
    else:
        turn.set(phase=Phase.INCONCLUSIVE, verdict=Verdict.INCONCLUSIVE, eta=None, approved="")
        turn.say(
            "Inconclusive",
            f"no verdict by the deadline: annotate {APPROVE}={turn.status.at} to promote without "
            f"a certificate, or abort. {found.message}",
            warning=True,
        )


def _raise(turn: Turn, number: int, why: str) -> None:
    status = turn.status
    weight = turn.spec.steps[number - 1].weight
    turn.set(step=number, phase=Phase.PROGRESSING)
    weights.aim(turn, turn.weights.arm, weight, turn.weights.applied)
    turn.say(
        "WeightRaised",
        f"step {status.run}/{number}: arm {turn.candidate.arm} gets {weight} %. {why}",
    )


def _promote(turn: Turn, found: Judgement) -> None:
    turn.set(phase=Phase.PROMOTING)
    weights.aim(turn, turn.weights.arm, 100, turn.weights.applied)
    reason = "Certified" if found.certified else "PromotedUncertified"
    turn.say(reason, found.message, warning=not found.certified)
