"""The test of two proportions, looked at every minute as if each look were the only one."""

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary.rules import Seen, first, marks
from hack.bench.canary.simulate import BAD, CANDIDATE, GOOD, STABLE

CRITICAL = 1.6449
"""The one-sided 5 % point of the normal distribution."""


def found(seen: Seen) -> FloatArray:
    """When each run is first significantly worse on all counts so far, in minutes; inf: never."""
    looks = marks(seen.ramp, 60.0)
    grown = seen.grown[:, :, looks]
    requests = grown[:, GOOD] + grown[:, BAD]
    total = requests.sum(axis=0)
    pooled = grown[:, BAD].sum(axis=0) / np.maximum(total, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = grown[:, BAD] / requests
        spread = np.sqrt(pooled * (1.0 - pooled) * (1.0 / requests).sum(axis=0))
        z = (rates[CANDIDATE] - rates[STABLE]) / spread
    return first(np.nan_to_num(z, nan=0.0) > CRITICAL, seen.ramp, looks)
