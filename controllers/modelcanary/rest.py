"""Between runs: adopts a route, keeps it as it is and starts a run when the release changes."""

from controllers.api.modelcanary import RESUME, RETRY
from controllers.api.modelcanary.status import ArmVersion, Evidence, Phase, Weights
from controllers.modelcanary import blocks, weights
from controllers.modelcanary.turn import Turn, digest
from controllers.routing import istio
from controllers.routing.istio import Problem, Split


def adopt(turn: Turn) -> Problem | None:
    """Take the arm that holds all of the traffic for the stable one; a Problem where none does."""
    release = turn.spec.release
    live = weights.split(turn, release.arm)
    if isinstance(live, Problem):
        return live
    share = istio.percent(live)
    other = turn.other(release.arm).name
    if share not in {0, 100}:
        return Problem(
            "StableUnknown",
            f"arm {release.arm} has {share} % and arm {other} {100 - share} % of the traffic of "
            f"VirtualService {turn.spec.route_ref.name}: give one of them all of it",
        )
    stable = (
        ArmVersion(arm=release.arm, version=release.version) if share else ArmVersion(arm=other)
    )
    turn.set(
        stable=stable,
        candidate=None,
        held=None,
        phase=Phase.SETTLED,
        weights=Weights(arm=stable.arm, desired=100, applied=100),
    )
    turn.say("Adopted", f"arm {stable.arm} holds all of the traffic and is the stable one")
    turn.look_again = 0.0
    return None


def rest(turn: Turn, asked: frozenset[str]) -> Problem | None:
    """Keep what is; start a run when another arm is released."""
    status = turn.status
    live = weights.split(turn, turn.weights.arm)
    if isinstance(live, Problem):
        return live
    if RESUME in asked:
        _resume(turn, live, 100 if turn.weights.arm == turn.stable.arm else 0)
        return None
    if not weights.keep(turn, live):
        return None
    if turn.status.held is not None:
        return _while_held(turn)
    release = ArmVersion(arm=turn.spec.release.arm, version=turn.spec.release.version)
    if release.arm == turn.stable.arm:
        return _settle(turn, release)
    if status.phase is Phase.ROLLED_BACK and release == status.candidate and RETRY not in asked:
        return None
    _start(turn, release)
    return None


def _resume(turn: Turn, live: Split, percent: int) -> None:
    """Go on after a hand-made edit, at the weight that was decided."""
    turn.set(held=None, repairs=())
    weights.aim(turn, turn.weights.arm, percent, istio.percent(live))
    turn.say("Resumed", f"back to {percent} % for {turn.weights.arm}, as asked")


def _while_held(turn: Turn) -> Problem | None:
    """A hand-made edit stands; it becomes the new rest when the release says the same."""
    live = weights.split(turn, turn.spec.release.arm)
    if isinstance(live, Problem) or istio.percent(live) != 100:
        return live if isinstance(live, Problem) else None
    if turn.spec.release.arm != turn.stable.arm:
        return adopt(turn)
    turn.set(held=None, record=True)
    return None


def _settle(turn: Turn, release: ArmVersion) -> Problem | None:
    status = turn.status
    if turn.stable.version and turn.stable.version != release.version:
        return Problem(
            "SameArm",
            f"spec.release: arm {release.arm} holds the traffic with version "
            f"{turn.stable.version}: deploy version {release.version} on arm "
            f"{turn.other(release.arm).name} and release that",
        )
    if turn.stable != release:
        turn.set(stable=release, record=True)
    if status.phase is Phase.ROLLED_BACK or turn.weights.arm != release.arm:
        turn.set(
            phase=Phase.SETTLED,
            verdict=None,
            eta=None,
            weights=Weights(arm=release.arm, desired=100, applied=100),
        )
        turn.say("Settled", f"arm {release.arm} holds the traffic with version {release.version}")
    return None


def _start(turn: Turn, release: ArmVersion) -> None:
    ready = turn.seen.ready.get(release.arm, 1)
    if not ready:
        deployment = turn.arm(release.arm).deployment
        what = "does not exist" if ready is None else "has no ready replica"
        turn.wait("CandidateUnavailable", f"Deployment {deployment} of arm {release.arm} {what}")
        return
    if turn.spec.suspend:
        turn.wait("Suspended", "spec.suspend is true: no run is started")
        return
    run = turn.status.run + 1
    turn.set(
        run=run,
        step=0,
        phase=Phase.PROGRESSING,
        candidate=release,
        verdict=None,
        eta=None,
        approved="",
        repairs=(),
        guardrails=(),
        policy_digest=policy(turn),
        subject_digest=digest(turn.arm(release.arm).wire(), release.version),
        evidence=Evidence(instant=blocks.first(turn.now, turn.spec.analysis, turn.meta.uid)),
        weights=Weights(arm=release.arm, desired=0, applied=0),
    )
    turn.say(
        "RunStarted",
        f"run {run}: version {release.version} on arm {release.arm}; "
        "the first measurement is awaited before any traffic moves",
    )
    turn.look_again = 0.0


def policy(turn: Turn) -> str:
    """The digest of what the evidence of a run is about: guardrails and error budget."""
    spec = turn.spec
    return digest([guardrail.wire() for guardrail in spec.guardrails], spec.error_budget.wire())
