"""Whether the requests seen fit the weight applied: the sample-ratio check."""

import math
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.mixture import Counts, log_mixture, log_weights, tilt

LEVEL = 0.001
WITHIN = 1.25
EXTREME = 0.005

_UP = np.array([1.1, 1.25, 1.6, 2.5, 5.0, 20.0, 100.0])
_EVEN = log_weights(np.ones(len(_UP)))


@dataclass(frozen=True, eq=False)
class Split:
    """What the requests say about the weight."""

    log_e: FloatArray
    contradicts: bool
    """Whether the split is not that of the weight, wrong with a probability of at most 0.001."""


def split_log_e(candidate: Counts, total: Counts, weight: float) -> FloatArray:
    """The log e-value against "the odds are within a factor 1.25 of those of the weight".

    From cumulative requests since the weight was last changed. The null is an interval, because
    retries and health checks bend a split a little: its two ends are each tested by a mixture of
    tilts, and the mean of the two is taken. Weights of 0 and 1 are read as 0.005 and 0.995, so that
    a late request in flight contradicts nothing.
    """
    share = min(max(weight, EXTREME), 1.0 - EXTREME)
    odds = share / (1.0 - share)
    high, low = (end / (1.0 + end) for end in (odds * WITHIN, odds / WITHIN))
    more = log_mixture(tilt(candidate, total, high, _UP), _EVEN)
    fewer = log_mixture(tilt(candidate, total, low, 1.0 / _UP), _EVEN)
    return np.logaddexp(more, fewer) - math.log(2.0)


def split(candidate: float, total: float, weight: float) -> Split:
    """The check of one route; ``weight`` is the candidate's share, from 0 to 1."""
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight {weight}: must be a share from 0 to 1")
    log_e = split_log_e(candidate, total, weight)
    return Split(log_e, bool(log_e >= -math.log(LEVEL)))
