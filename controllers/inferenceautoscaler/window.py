"""The largest numbers asked for lately, in a bounded form: what nothing may be decided below."""

from collections.abc import Sequence

from controllers.api.inferenceautoscaler.status import Ask

MOST = 16


def push(window: Sequence[Ask], at: int, replicas: int, hold: float) -> tuple[Ask, ...]:
    """``window`` with one more ask, without what is older than ``hold`` seconds or never counts.

    What is left descends in number and ascends in time, so the first is the largest that counts,
    and the next ones are what counts after it is out. Of more than ``MOST`` two that are nearly
    equal become one, with the larger number and the later time: it never counts less or shorter
    than they did. Where the clock has gone back, what was asked for in its future counts as now.
    """
    kept = [
        one if one.at <= at else Ask(at=at, replicas=one.replicas)
        for one in window
        if one.at >= at - hold and one.replicas > replicas
    ]
    kept.append(Ask(at=at, replicas=replicas))
    while len(kept) > MOST:
        pairs = range(len(kept) - 1)
        i = min(pairs, key=lambda i: kept[i].replicas - kept[i + 1].replicas)
        kept[i : i + 2] = [Ask(at=kept[i + 1].at, replicas=kept[i].replicas)]
    return tuple(kept)


def highest(window: Sequence[Ask]) -> int:
    """The largest number in the window; 0 where it is empty."""
    return window[0].replicas if window else 0
