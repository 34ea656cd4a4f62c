"""What people say by annotation: approve, abort, retry and resume, each once and for one step."""

from controllers.api.modelcanary import ABORT, APPROVE, RESUME, RETRY
from controllers.api.modelcanary.status import Phase
from controllers.modelcanary.turn import Turn

VERBS = (ABORT, RETRY, RESUME, APPROVE)


def take(turn: Turn) -> frozenset[str]:
    """The verbs that are asked for now and fit; each is used up, and so is one that does not fit.

    An annotation that was acted on stays in ``status.answered`` until it is gone from the object,
    so that a crash between the two repeats nothing and the same words may be said again later.
    """
    asked = {verb: turn.meta.annotations[verb] for verb in VERBS if verb in turn.meta.annotations}
    old = turn.status.answered
    turn.spent.update(asked)
    if asked != old:
        turn.set(answered={verb: said[:24] for verb, said in asked.items()}, record=True)
    fitting = set()
    for verb, said in asked.items():
        if old.get(verb) == said[:24]:
            continue
        if misfit := _misfit(turn, verb, said):
            turn.say("AnnotationRefused", f"{verb}={said[:64]}: {misfit}", warning=True)
        else:
            fitting.add(verb)
    return frozenset(fitting)


def _misfit(turn: Turn, verb: str, said: str) -> str | None:
    """Why that cannot be done now, or None."""
    status = turn.status
    here = f"{status.run}/{status.step}"
    # An abort makes things safer: it holds for the run, whatever step it has reached meanwhile.
    if verb == ABORT:
        if not turn.running:
            return "no run is going on"
        return None if said.partition("/")[0] == str(status.run) else f"the canary is at {here}"
    if said != here:
        return f"the canary is at {here}"
    if verb == RETRY and status.phase is not Phase.ROLLED_BACK:
        return "nothing was rolled back"
    if verb == RESUME and status.held is None:
        return "nothing is held"
    if verb == APPROVE and not _waits(turn):
        return "this step waits for no approval"
    return None


def _waits(turn: Turn) -> bool:
    if turn.status.phase is Phase.INCONCLUSIVE:
        return True
    step = turn.status.step
    return (
        turn.running
        and 0 < step <= len(turn.spec.steps)
        and (turn.spec.steps[step - 1].pause is not None)
    )
