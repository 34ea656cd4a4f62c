"""What signals would have said of replicas that there were not."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.inferenceautoscaler.promise import BURSTS
from controllers.inferenceautoscaler.queries import EDGE_SECONDS, Asking
from controllers.inferenceautoscaler.seen import Pod
from controllers.readings import Answer, Query, Series
from controllers.stats.queueing import Service, wait_probability
from operators.backtest.inferenceautoscaler.supply import Queue, Supply


class Side:
    """Replicas, and the requests that are with them or wait for them."""

    def __init__(self, supply: Supply, spec: InferenceAutoscalerSpec, rate: float) -> None:
        self.supply = supply
        self.queue = Queue(spec.slo.wait)
        self.busy = 0.0
        """Requests that are worked on."""
        self.arriving = 0.0
        """Requests per second in the last interval."""
        self.late = 0.0
        """The share of them that waited longer than they may."""
        self.billed = 0.0
        """Replica-seconds from being asked for to being gone, so far."""
        self._service = Service(rate, spec.capacity.concurrency or 1)
        self._wait = spec.slo.wait

    def flow(self, since: int, until: int, demand: float) -> None:
        """Has requests come (per second) between two instants, with the replicas as they are."""
        seconds = float(until - since)
        if not seconds:
            return
        self.billed += seconds * len(self.supply)
        ready = self.supply.served(since, until) / seconds
        capacity = ready * self._service.rate
        self.queue.flow(seconds, demand, capacity)
        self.arriving = demand
        takes = self._service.slots / self._service.rate
        self.busy = takes * min(capacity, demand + self.queue.waiting / seconds)
        self.late = self.queue.late
        if not self.late and demand > 0.0:
            self.late = _by_chance(round(ready), demand, self._service, self._wait)


@lru_cache(maxsize=65536)
def _by_chance(ready: int, demand: float, service: Service, wait: float) -> float:
    """The share that waits too long because requests come in bursts, where there is no queue."""
    if demand >= ready * service.rate:
        return 0.0  # It has not built up yet: what waits is in the queue.
    return float(wait_probability(ready, np.float64(demand), service, wait, BURSTS))


def answers(one: Asking, side: Side, pods: Sequence[Pod], namespace: str) -> Mapping[Query, Answer]:
    """The answers to the queries of a signal that depends on the replicas."""
    at = one.value.at
    if one.signal.role is Role.BACKLOG:
        return {one.value: _shared(one, at, side.queue.waiting, pods, namespace)}
    if one.signal.role is Role.CONCURRENCY:
        return {one.value: _shared(one, at, side.busy + side.queue.waiting, pods, namespace)}
    met = 1.0 - side.late
    if one.signal.preset is None:
        return {one.value: _shared(one, at, met, pods, namespace)}
    unit = EDGE_SECONDS[one.signal.preset]
    limit = (one.signal.limit or 0.0) / unit
    edges = {repr(limit): met * side.arriving, "+Inf": side.arriving}
    return {
        one.value: Answer(
            tuple(
                Series({**each.labels, "le": le}, each.times, np.array([value]))
                for le, value in edges.items()
                for each in _shared(one, at, 0.0, pods, namespace).series[:1]
            )
        )
    }


def spread(one: Asking, query: Query, found: Answer, pods: Sequence[Pod], namespace: str) -> Answer:
    """What pods of then have said, as if it were these that had; other answers as they are."""
    if one.group is None or not one.group.pods or not found.series:
        return found
    total = sum(float(each.values[-1]) for each in found.series)
    return _shared(one, query.at, total, pods, namespace)


def _shared(one: Asking, at: float, value: float, pods: Sequence[Pod], namespace: str) -> Answer:
    """A value as the signal's series have it: one of them, or one for each ready pod."""
    times = np.array([at])
    if one.group is None:
        return Answer((Series({}, times, np.array([value])),))
    if not one.group.pods:
        labels = dict(zip(one.group.labels, min(one.group.keys), strict=True))
        return Answer((Series(labels, times, np.array([value])),))
    ready = [pod.name for pod in pods if pod.ready_at is not None]
    each = np.array([value / max(len(ready), 1)])
    return Answer(
        tuple(Series({"namespace": namespace, "pod": name}, times, each) for name in ready)
    )
