"""Deletion: gives the traffic of a run back to the stable arm before the object may go."""

from controllers.api.modelcanary.spec import DeletionPolicy
from controllers.api.modelcanary.status import Leaving, Phase
from controllers.modelcanary import judge, run, weights
from controllers.modelcanary.turn import Turn
from controllers.routing.istio import Problem

ATTEMPT_SECONDS = 2.0
ATTEMPTS = 30
"""A minute of this process's own attempts; time that passed without it does not count."""


def leave(turn: Turn) -> None:
    """One attempt; at rest, or where there is nothing to undo, the object may go at once."""
    status = turn.status
    turn.finalizer = True
    if not turn.running or turn.spec.deletion_policy is DeletionPolicy.LEAVE:
        turn.finalizer = False
        return
    if turn.seen.unserved:
        _unread(turn)
        return
    live = None if turn.seen.route is None else weights.split(turn, turn.candidate.arm)
    if live is None or isinstance(live, Problem):
        _let_go(turn, "the route is gone" if live is None else live.message)
        return
    if status.phase is not Phase.ROLLING_BACK:
        run.back(turn, "Deleted", "the canary is deleted: all traffic returns to the stable arm")
        return
    _count(turn)
    turn.look_again = ATTEMPT_SECONDS
    if weights.keep(turn, live) and judge.candidate_is_idle(turn):
        turn.finalizer = False
        turn.say("ReturnedToStable", "the candidate was seen to get no more requests")
    elif turn.status.leaving and turn.status.leaving.attempts > ATTEMPTS:
        _let_go(turn, "the return of the traffic could not be confirmed within a minute")


def _unread(turn: Turn) -> None:
    """A route that was not read, as when this process has just begun, is not one that is gone."""
    _count(turn)
    turn.look_again = ATTEMPT_SECONDS
    if turn.status.leaving and turn.status.leaving.attempts > ATTEMPTS:
        _let_go(turn, "no VirtualService could be read within a minute")


def _count(turn: Turn) -> None:
    """Count this attempt in memory only: a new process has a minute of its own."""
    before = turn.status.leaving or Leaving()
    if abs(turn.now - before.at) >= ATTEMPT_SECONDS - 0.1:
        turn.set(leaving=Leaving(attempts=before.attempts + 1, at=int(turn.now)))


def _let_go(turn: Turn, why: str) -> None:
    turn.finalizer = False
    turn.say("LetGo", why, warning=True)
