"""The mixture e-process of the candidate's bad rate against an absolute floor."""

import math

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.mixture import Counts, log_mixture, log_weights, tilt

ABOVE = np.geomspace(1.25, 64.0, 14)
ABOVE_LOG_WEIGHTS = log_weights(np.exp(-0.5 * (np.log(ABOVE / 4.0) / 1.5) ** 2))
BELOW = np.array([0.001, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85])
# Half on "next to none at all": clean releases are common, and pay only ln 2 for the other points.
BELOW_LOG_WEIGHTS = log_weights(np.array([6.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]))


def rollback_log_e(bad: Counts, requests: Counts, floor: float) -> FloatArray:
    """The log e-value against "the rate is at most the floor"; +inf, no restriction, at floor 0.

    Alternatives are multiples of the floor's odds. Valid if each block's rate is at most the floor:
    then the counts alone carry the evidence, and no vector need be kept.
    """
    if floor == 0.0:
        return np.full(np.shape(bad), math.inf)
    return log_mixture(tilt(bad, requests, floor, ABOVE), ABOVE_LOG_WEIGHTS)


def certify_log_e(bad: Counts, requests: Counts, floor: float) -> FloatArray:
    """The log e-value against "the rate is at least the floor"; -inf, no evidence, at floor 0.

    Without a single bad one it reaches 1/beta after about ln(2/beta)/floor requests.
    """
    if floor == 0.0:
        return np.full(np.shape(bad), -math.inf)
    return log_mixture(tilt(bad, requests, floor, BELOW), BELOW_LOG_WEIGHTS)
