"""How many replicas a demand needs, so that requests wait no longer than was promised."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.stats.queueing import Service, Table, Wait, replicas, table

BURSTS = 4.0
"""The index of dispersion of arrivals that is planned with; public traces have 1.5 to 5.5."""
TABLED = 512
"""Up to so many replicas the answers are looked up; a table of more takes longer than it saves."""


def carry(spec: InferenceAutoscalerSpec, rate: float | None) -> Callable[[float], int]:
    """The replicas for a demand in requests/s, where one does ``rate`` of them.

    Half of what may miss the objective is left to waits at the demand that was planned for, the
    other half to demand beyond it. A demand that the most replicas cannot carry gives one more than
    them.
    """
    if rate is None or rate <= 0:
        return lambda _: 0
    # To three digits, so that what is learned anew with every look does not make a table anew.
    service = Service(float(f"{rate:.3g}"), spec.capacity.concurrency or 1)
    allowed = Wait(spec.slo.wait, (1.0 - spec.slo.objective) / 2.0)
    most = spec.max_replicas
    if most > TABLED:
        return lambda demand: replicas(demand, service, allowed, most, BURSTS)
    known = _table(service, allowed, most)
    return lambda demand: int(known.replicas(np.array([demand]))[0])


@lru_cache(maxsize=4096)
def _table(service: Service, allowed: Wait, most: int) -> Table:
    return table(service, allowed, most, BURSTS)
