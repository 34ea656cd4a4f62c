"""How long replicas take to be ready, learned from those that got ready."""

import math
from collections.abc import Sequence

from controllers.api.inferenceautoscaler.status import StartupStatus
from controllers.inferenceautoscaler.seen import Pod

MOST = 50
PATIENCE = 2.0
"""Start-up times in which no replica got ready, after which no more are asked for."""


def learn(known: StartupStatus, pods: Sequence[Pod], now: float) -> StartupStatus:
    """``known`` with the replicas that got ready since, in the order in which they did.

    It counts from the creation of a pod to its readiness, for those made since all were last ready:
    another one that gets ready was so before, and only lost it for a while. Pods whose containers
    restarted are left out, because their present readiness is not their first.
    """
    fresh = sorted(
        (pod.ready_at, pod.ready_at - pod.created)
        for pod in pods
        if pod.ready_at is not None
        and known.all_ready
        and pod.created >= known.all_ready
        and known.learned_until < pod.ready_at <= now
        and not pod.restarts
    )
    recent = (*known.recent, *(math.ceil(took) for _, took in fresh))[-MOST:]
    waiting = any(pod.ready_at is None and not pod.leaving for pod in pods)
    return known.model_copy(
        update={
            "p50": quantile(recent, 0.5) if recent else None,
            "p90": quantile(recent, 0.9) if recent else None,
            "recent": recent,
            "learned_until": math.floor(fresh[-1][0]) if fresh else known.learned_until,
            "all_ready": known.all_ready if waiting and known.all_ready else math.floor(now),
        }
    )


def planned(known: StartupStatus, initial: float) -> float:
    """Seconds to plan with: what nine of ten took at most; ``initial`` until three are known."""
    return known.p90 if known.p90 is not None and len(known.recent) >= 3 else initial


def quantile(values: Sequence[int], share: float) -> float:
    """The smallest of the values that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return float(ordered[max(math.ceil(share * len(ordered)) - 1, 0)])
