"""Who else changes the replicas: an edit is seen, a raise is honoured, a fight is not fought."""

from controllers.inferenceautoscaler.choose import Memory, remember
from controllers.inferenceautoscaler.turn import Turn

MANAGER = "modelyard"
OFTEN, WITHIN = 3, 600.0
"""So many edits in so many seconds are a fight."""


def notice(turn: Turn, memory: Memory, hold: float) -> Memory:
    """What is remembered after an edit by someone else; as it is where there was none.

    The number that someone raised to counts as asked for, and so does one of our own that is not on
    record because we died. Too many edits are a conflict: from then on nothing is taken away, until
    there was none for ten minutes.
    """
    status, target = turn.status, turn.target
    edits = tuple(at for at in status.resets if turn.now - WITHIN < at <= turn.now)
    changed = bool(status.instant) and target.replicas != status.replicas.current
    if changed and target.replicas > status.replicas.current:
        memory = remember(memory, turn.now, target.replicas, hold)
    if changed and turn.acts and target.writer != MANAGER:
        edits = (*edits, int(turn.now))[-4:]
        who = target.writer or "someone"
        turn.say(
            "Edited",
            f"{who} set replicas to {target.replicas}, where {status.replicas.desired} were"
            " decided",
        )
    turn.set(resets=edits)
    _conflict(turn, len(edits), "" if target.writer == MANAGER else target.writer or "someone")
    return memory


def _conflict(turn: Turn, edits: int, writer: str) -> None:
    fighting = edits >= OFTEN or (turn.truth("Conflict") == "True" and edits > 0)
    if not fighting:
        turn.condition("Conflict", "None", value=False)
        return
    if not writer:
        return  # Who it was is said already: the last number is our own.
    message = (
        f"{writer} keeps setting the replicas of the target: nothing is taken away"
        " meanwhile; leave replicas out of what is applied, for Argo CD with ignoreDifferences on"
        " /spec/replicas and RespectIgnoreDifferences=true"
    )
    if turn.condition("Conflict", "EditedByOthers", message, value=True):
        turn.say("Conflict", message, warning=True)
