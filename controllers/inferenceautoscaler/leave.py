"""Deletion: the replicas stay as they are, but a target at zero is given its minimum back."""

from controllers.inferenceautoscaler.turn import Turn

UNSEEN = 10.0
"""Seconds for which our own write of zero may not have been seen yet."""


def leave(turn: Turn) -> None:
    """Lets go at once, unless replicas have to be restored first."""
    target = turn.seen.target
    if not turn.meta.finalizer or target is None or turn.seen.owner or turn.seen.holder:
        turn.finalizer = False
        return
    last = turn.status.last_scaled
    if last is not None and last.to_replicas == 0 and 0 <= turn.now - last.at < UNSEEN:
        turn.finalizer, turn.look_again = True, 1.0
    if target.replicas:
        return
    least = max(turn.spec.min_replicas, 1)
    turn.scale(least)
    turn.say("Restored", f"deleted at zero replicas: {least} are left behind")
    # Kept until the replicas are seen to be there, so that a crash in between repeats the write.
    turn.finalizer = True
    turn.look_again = 1.0
