"""The cheapest schedule of someone who knows every request beforehand."""

from dataclasses import dataclass

import numpy as np

from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.service import Service

SLOT = 60
"""Seconds for which the reference keeps a number of replicas."""


def need(counts: IntArray, service: Service, slot: int = SLOT) -> IntArray:
    """The fewest replicas with which no request of each slot waits longer than allowed.

    ``counts`` are requests per second (seconds,). Whatever arrives in a window inside the slot
    must be started by its end plus the allowed wait, and the whole slot's work must fit into it;
    what was left over before counts for nothing.
    """
    slots = len(counts) // slot
    total = np.zeros((slots, slot + 1), np.int64)
    np.cumsum(counts[: slots * slot].reshape(slots, slot), axis=1, out=total[:, 1:])
    rate = total[:, -1] / slot
    for length in range(1, slot + 1):
        most = (total[:, length:] - total[:, :-length]).max(axis=1)
        np.maximum(rate, most / (length + service.allowed), out=rate)
    return np.ceil(rate / service.rate - 1e-9).astype(np.int64)


@dataclass(frozen=True)
class Reference:
    """What the clairvoyant pays."""

    seconds: float
    """Replica-seconds billed."""
    peak: int
    """The most replicas that were needed at once."""


def reference(needed: IntArray, startup: float, slot: int = SLOT) -> Reference:
    """The least that ``needed`` replicas per slot cost, if one takes ``startup`` seconds to start.

    The k-th replica is a matter of its own: it is needed in the slots that need at least k, and
    between two of them it is kept where that costs no more than another start. So the sum over k
    is the least there is. It is no strict bound on a policy, which may carry a backlog from one
    slot to the next.
    """
    total, peak = 0.0, int(needed.max(initial=0))
    for level in range(1, peak + 1):
        wanted = np.flatnonzero(needed >= level)
        gaps = (np.diff(wanted) - 1) * slot
        total += len(wanted) * slot + startup + float(np.minimum(gaps, startup).sum())
    return Reference(total, peak)
