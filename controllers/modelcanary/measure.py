"""What one block of time shows: counts per arm for each guardrail, or why there are none."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controllers.api.base import decimal
from controllers.api.modelcanary.spec import Guardrail, GuardrailType
from controllers.modelcanary.blocks import Block
from controllers.modelcanary.queries import Selector, bad
from controllers.readings import Answered, FloatArray, Missing, complete
from controllers.stats import evidence
from controllers.stats.buckets import slower
from controllers.stats.growth import growth
from controllers.stats.mixture import combine_rollback

_RARE = 0.1
_NEXT_TO_NONE = 0.0005
"""A share of slower answers that a first block can hardly tell from none."""


@dataclass(frozen=True)
class Counts:
    """The answers of both arms in one block: all of them, and the bad ones by edge."""

    stable: float
    candidate: float
    bad: Mapping[str, tuple[float, float]]
    """(stable, candidate) by the edge's text in the metric's unit; "" for an error rate."""

    def block(self, edge: str) -> evidence.Block:
        """The counts of one edge in the form that evidence is made of."""
        stable, candidate = self.bad[edge]
        return evidence.Block(self.stable, stable, self.candidate, candidate)


def measure(
    guardrail: Guardrail,
    which: Selector,
    answered: Answered,
    block: Block,
    arms: tuple[str, str],
) -> Counts | Missing:
    """The counts of a guardrail in a block; ``arms`` are the names of stable and candidate."""
    answered = complete(answered)
    if isinstance(answered, Missing):
        return answered
    grown = growth(answered.series, block.since, block.until, block.max_age)
    if isinstance(grown, Missing):
        return grown
    stable, candidate = arms
    if guardrail.type is GuardrailType.LATENCY:
        slow = slower(grown, which.arm)
        if isinstance(slow, Missing):
            return slow
        late = {arm: slow.counts.get(arm, {}) for arm in arms}
        tails = {
            decimal(edge): (late[stable].get(edge, 0.0), late[candidate].get(edge, 0.0))
            for edge in slow.edges
        }
        return Counts(slow.total.get(stable, 0.0), slow.total.get(candidate, 0.0), tails)
    requests = grown.by(which.arm)
    failed = grown.by(lambda labels: which.arm(labels) if bad(guardrail, labels) else None)
    return Counts(
        requests.get(stable, 0.0),
        requests.get(candidate, 0.0),
        {"": (failed.get(stable, 0.0), failed.get(candidate, 0.0))},
    )


def declared(guardrail: Guardrail) -> str:
    """The edge that a guardrail is certified on, as the histograms write it (milliseconds)."""
    return "" if guardrail.edge is None else decimal(guardrail.edge * 1000.0)


def edges(guardrail: Guardrail, counts: Counts, most: int) -> tuple[str, ...] | None:
    """The edges to watch: the declared one first, then others over stable's slower half.

    They are chosen from stable's counts alone, so that the shares of slower answers are spread
    evenly on a log scale from 0.3 down to the first edge that next to none was slower than: a shift
    of everything shows at the low ones, a rare stall at the high one. None where the histogram does
    not have the declared edge.
    """
    first = declared(guardrail)
    if first not in counts.bad:
        return None
    if guardrail.type is not GuardrailType.LATENCY or counts.stable <= 0:
        return (first,)
    tails = {
        edge: math.log(max(slower / counts.stable, _NEXT_TO_NONE))
        for edge, (slower, _) in sorted(counts.bad.items(), key=lambda one: float(one[0]))
        if edge != first and slower <= 0.6 * counts.stable
    }
    chosen = [first]
    for wanted in np.geomspace(0.3, _NEXT_TO_NONE, most - 1):
        rest = [edge for edge in tails if edge not in chosen]
        if rest:
            chosen.append(min(rest, key=lambda edge: abs(tails[edge] - math.log(wanted))))
    return tuple(chosen)


def over_edges(log_es: Sequence[FloatArray | float]) -> FloatArray:
    """The log evidence against a release over the edges of one guardrail, in ``edges``' order.

    A weighted mean. The last of several edges is there for rare stalls, which show in few answers
    by a large ratio: a tenth of the weight is enough for them, and leaves the other edges what
    they need to find a shift.
    """
    rare = _RARE if len(log_es) > 2 else 1.0
    return combine_rollback(np.array(log_es), np.array([*[1.0] * (len(log_es) - 1), rare]))
