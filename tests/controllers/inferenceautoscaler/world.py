"""A small world for an autoscaler: demand, a queue, replicas that take time, scrapes, one clock."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from controllers import inferenceautoscaler as autoscaler
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.api.inferenceautoscaler.status import (
    Health,
    InferenceAutoscalerStatus,
    RevisionCapacity,
)
from controllers.inferenceautoscaler import Seen
from controllers.inferenceautoscaler.seen import Pod, Share, Target
from controllers.plan import Event, Meta, Plan, Resource
from controllers.readings import Answer, Answered, Gap, Missing, Query, Series
from tests.controllers.inferenceautoscaler.promql import Labels, evaluate

START = 1_800_000_000
DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
CLUSTER = "outbound|8000||llm.prod.svc.cluster.local"
EDGES = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper edges of the latency histograms, in seconds."""
COUNTED = frozenset({Role.DEMAND, Role.BACKLOG, Role.CONCURRENCY, Role.ACTIVATION})


@cache
def _key(name: str, labels: Labels) -> Labels:
    return tuple(sorted({"__name__": name, **dict(labels)}.items()))


@dataclass(frozen=True)
class Outlook:
    """A forecast that says what it is told to."""

    expected: float
    trusted: bool = True
    why_not: str = ""
    model: str = "Told"
    skill: float = 0.2
    coverage95: float = 0.95
    samples: int = 10_000

    def upper(self, probability: float) -> float:
        return self.expected * (1.0 + probability) / 1.5


@dataclass
class World:
    """One autoscaler, its target and its load; a second at a time, the same for the same seed.

    Every decision is checked as it is settled: what an autoscaler promises holds in all stories.
    """

    spec: dict[str, Any]
    demand: Callable[[int], float] = lambda _: 10.0
    """Requests per second, by the second since the start."""
    replicas: int = 2
    rate: float = 5.0
    """Requests per second that one replica answers when it is fully used."""
    service: float = 0.4
    """Seconds that a replica works on a request."""
    startup: Callable[[int], int | None] = lambda _: 30
    """Seconds that a replica takes to be ready, by the second; None: for ever."""
    room: int = 1000
    """How many replicas find a node."""
    scrape: int = 5
    scraped: Callable[[str, int], bool] = lambda _instance, _second: True
    prometheus: Callable[[int], bool] = lambda _: True
    """Whether it answers, by the second."""
    forecast: Callable[[int], Outlook] | None = None
    """What is expected, from a second on until a replica asked for then is ready."""
    seed: int = 1
    noise: bool = False
    owner: str = ""
    holder: str = ""
    share: Share | None = None
    elsewhere: tuple[RevisionCapacity, ...] = ()
    revision: str = "a"
    lose_status: bool = False
    """The operator dies after each write, before it has put its status on record."""
    now: int = START
    generation: int = 1
    deleting: bool = False
    finalizer: bool = False
    gone: bool = False
    status: InferenceAutoscalerStatus = field(default_factory=InferenceAutoscalerStatus)
    recorded: InferenceAutoscalerStatus = field(default_factory=InferenceAutoscalerStatus)
    due: float = 0.0
    waiting: float = 0.0
    served: float = 0.0
    late: float = 0.0
    arrived: float = 0.0
    samples: dict[Labels, list[tuple[float, float]]] = field(default_factory=dict)
    told: list[tuple[int, Event]] = field(default_factory=list)
    moves: list[tuple[int, int, int]] = field(default_factory=list)
    """What we wrote: the second, from, to."""
    edited: bool = False
    """Whether the spec or someone else has just changed what the promises rest on."""
    impaired: int | None = None
    """The last instant at which a signal of what there is to do was not complete."""

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.counters: dict[Labels, float] = {}
        self.pods: list[Pod] = []
        self.target: Target | None = Target(
            DEPLOYMENT, "uid-1", "1", self.replicas, "kubectl", self.revision
        )
        self.began = self.now
        self._kubelet(self.replicas)
        self.pods = [
            replace(one, name=f"llm-{i}", created=self.now - 600, ready_at=self.now - 500)
            for i, one in enumerate(self.pods)
        ]
        self._checkpoint = float(self.now)
        # What is adopted has been running and scraped for a while.
        for second in range(self.began - 60, self.began + 1):
            self.now = second
            self._serve()
            if self.now % self.scrape == 0:
                self._scrape()
        self.waiting = self.served = self.late = self.arrived = 0.0

    # What people and other programs do.

    def edit(self, **spec: Any) -> None:
        """The user changes the spec."""
        self.spec = {**self.spec, **spec}
        self.generation += 1
        self.edited = True
        self.due = 0.0

    def set(self, replicas: int, writer: str) -> None:
        """Someone else sets the replicas."""
        assert self.target is not None
        self.target = replace(self.target, replicas=replicas, writer=writer)
        self.edited = True
        self._changed()

    def recreate(self, replicas: int) -> None:
        """The target is deleted and made anew, with other pods."""
        number = int(self.target.uid.removeprefix("uid-")) + 1 if self.target else 100
        self.target = Target(DEPLOYMENT, f"uid-{number}", "1", replicas, "helm", self.revision)
        self.pods = []
        self.edited = True
        self._changed()

    def delete_target(self) -> None:
        self.target, self.pods = None, []
        self.due = 0.0

    def roll(self, revision: str) -> None:
        """A new revision, whose pods replace the old ones at once when they are ready."""
        assert self.target is not None
        self.revision = revision
        self.target = replace(self.target, revision=revision)
        self._changed()

    def forget(self) -> None:
        """Prometheus restarts without its history."""
        self.samples.clear()

    def restart(self) -> None:
        """The operator is killed: only what was recorded is left."""
        self.status = self.recorded
        self.due = 0.0

    def wake(self) -> None:
        self.due = 0.0

    # Time.

    @property
    def second(self) -> int:
        return self.now - self.began

    def run(self, seconds: int, until: Callable[["World"], bool] = lambda _: False) -> "World":
        """Let time pass, until the end of it or until something is true."""
        for _ in range(seconds):
            if until(self) or self.gone:
                break
            self.tick()
        return self

    def tick(self) -> None:
        """One second: the load, the pods, a scrape if one is due, and the operator if it is due."""
        self.now += 1
        self._serve()
        if self.target is not None:
            self._kubelet(self.target.replicas)
        if self.now % self.scrape == 0:
            self._scrape()
        for _ in range(100):
            if self.due > self.now or self.gone:
                return
            self.decide()
        raise AssertionError("the operator spins")

    # The load.

    @property
    def ready(self) -> int:
        return sum(one.ready_at is not None and not one.leaving for one in self.pods)

    def _serve(self) -> None:
        rate = self.demand(self.second)
        arrived = float(self.rng.poisson(rate)) if self.noise else rate
        able = self.ready * self.rate
        wait = self.waiting / able if able else float("inf")
        done = min(self.waiting + arrived, able)
        self.waiting += arrived - done
        self.arrived += arrived
        self.served += done
        if wait > 1.0:
            self.late += arrived
        self._count(done, self.service + wait)

    def _count(self, done: float, latency: float) -> None:
        """The gateway's two instances count half of the requests each; the pods their share."""
        active = done * self.service
        for instance in ("gateway-0", "gateway-1"):
            for cluster, share in ((CLUSTER, 0.5), ("outbound|80||other.prod.svc", 40.0)):
                labels: Labels = (("envoy_cluster_name", cluster), ("instance", instance))
                self._add("envoy_cluster_upstream_rq_completed", labels, done * share)
                self._put("envoy_cluster_upstream_rq_active", labels, active * share)
                self._put("envoy_cluster_upstream_rq_pending_active", labels, self.waiting * share)
                self._histogram(
                    "envoy_cluster_upstream_rq_time_bucket", labels, done * share, latency, 1000
                )
            for workload, reporter, share in (
                ("llm", "source", 0.5),
                ("llm", "destination", 0.5),
                ("other", "source", 20.0),
            ):
                labels = (
                    ("destination_service", f"{workload}.prod.svc.cluster.local"),
                    ("destination_workload", workload),
                    ("destination_workload_namespace", "prod"),
                    ("instance", instance),
                    ("reporter", reporter),
                )
                self._add("istio_requests_total", labels, done * share)
        pods = [one for one in self.pods if one.ready_at is not None]
        for pod in pods:
            labels = (("namespace", "prod"), ("pod", pod.name), ("instance", pod.name))
            self._put("vllm:num_requests_running", labels, active / len(pods))
            self._put("vllm:num_requests_waiting", labels, self.waiting / len(pods))
            self._put("vllm:kv_cache_usage_perc", labels, min(0.1 + self.waiting / 100, 1.0))

    def _histogram(
        self, name: str, labels: Labels, count: float, latency: float, unit: int
    ) -> None:
        for edge in EDGES:
            self._add(name, (*labels, ("le", f"{edge * unit:g}")), count * (latency <= edge))
        self._add(name, (*labels, ("le", "+Inf")), count)

    def _add(self, name: str, labels: Labels, count: float) -> None:
        key = _key(name, labels)
        self.counters[key] = self.counters.get(key, 0.0) + count

    def _put(self, name: str, labels: Labels, value: float) -> None:
        self.counters[_key(name, labels)] = value

    def _scrape(self) -> None:
        alive = {"gateway-0", "gateway-1", *(one.name for one in self.pods)}
        for labels, value in self.counters.items():
            instance = dict(labels)["instance"]
            if instance in alive and self.scraped(instance, self.second):
                self.samples.setdefault(labels, []).append((float(self.now), value))

    # The cluster.

    def _kubelet(self, wanted: int) -> None:
        """Pods come, get ready and go, as the target says; a change of any wakes the operator."""
        before = list(self.pods)
        while len(self.pods) < wanted:
            name = f"llm-{len(self.pods)}-{self.now}"
            self.pods.append(Pod(name, self.revision, self.now, None))
        # Those that are not ready go first, the newest first among them.
        order = sorted(self.pods, key=lambda one: (one.ready_at is None, one.created))
        self.pods = order[:wanted]
        self.pods = [self._aged(at, one) for at, one in enumerate(self.pods)]
        if before != self.pods and self.target is not None:
            self.due = 0.0

    def _aged(self, at: int, pod: Pod) -> Pod:
        if pod.ready_at is not None:
            stale = pod.revision != self.revision
            return Pod(pod.name, self.revision, self.now, None) if stale and at == 0 else pod
        if at >= self.room:
            return replace(pod, unplaced="0/8 nodes are available: insufficient nvidia.com/gpu")
        takes = self.startup(int(pod.created) - self.began)
        ready = takes is not None and self.now - pod.created >= takes
        return replace(pod, unplaced="", ready_at=float(self.now) if ready else None)

    def _changed(self) -> None:
        assert self.target is not None
        version = str(int(self.target.resource_version) + 1)
        self.target = replace(self.target, resource_version=version)
        self.due = 0.0

    # The operator.

    def meta(self) -> Meta:
        return Meta(
            namespace="prod",
            name="llm",
            uid="1",
            generation=self.generation,
            created="2026-01-01T00:00:00Z",
            deleting=self.deleting,
            finalizer=self.finalizer,
        )

    def look(self, queries: tuple[Query, ...]) -> Seen:
        target = self.target
        lead = 60.0
        return Seen(
            target=None if target is None else replace(target, pods=tuple(self.pods)),
            owner=self.owner,
            holder=self.holder,
            share=self.share,
            elsewhere=self.elsewhere,
            answers={query: self.answer(query) for query in queries},
            outlook=self.forecast(self.second) if self.forecast else None,
            later=self.forecast(int(self.second + lead)) if self.forecast else None,
        )

    def answer(self, query: Query) -> Answered:
        """What Prometheus says; history is not read back here, because forecasts are told."""
        if not self.prometheus(self.second):
            return Missing(Gap.FAILED, "connection refused")
        if query.span:
            return Answer((), since=float("inf"))
        if query.text == "waiting":
            if not self.scraped("gateway-0", self.second):
                return Answer(())
            one = np.array([query.at]), np.array([self.waiting])
            return Answer((Series({}, one[0], one[1]),))
        assert query.lookback is not None
        return evaluate(query.text, self.samples, query.at, query.lookback)

    def decide(self) -> Plan[InferenceAutoscalerStatus]:
        """One pass of the operator, carried out as the runtime does."""
        spec = InferenceAutoscalerSpec.model_validate(self.spec)
        meta = self.meta()
        seen = self.look(autoscaler.needs(meta, spec, self.status, self.now))
        plan = autoscaler.decide(meta, spec, self.status, seen, self.now)
        assert plan == autoscaler.decide(meta, spec, self.status, seen, self.now)
        self._check(spec, plan)
        self._settle(plan)
        return plan

    def _settle(self, plan: Plan[InferenceAutoscalerStatus]) -> None:
        self.finalizer = self.finalizer or plan.finalizer
        for write in plan.writes:
            assert self.target is not None
            assert write.resource_version == self.target.resource_version
            assert write.subresource == "scale"
            wanted = write.patch["spec"]["replicas"]
            self.moves.append((self.second, self.target.replicas, wanted))
            self.target = replace(self.target, replicas=wanted, writer="modelyard")
            self._changed()
        if plan.writes and self.lose_status:
            self.restart()
            return
        # What is not serialised is lost.
        self.status = InferenceAutoscalerStatus.model_validate(plan.status.wire())
        if plan.record or self.now - self._checkpoint >= 60:
            self.recorded, self._checkpoint = self.status, float(self.now)
        self.told += [(self.second, event) for event in plan.events]
        self.finalizer = self.finalizer and plan.finalizer
        self.gone = self.deleting and not self.finalizer
        wait = 3600.0 if plan.look_again is None else plan.look_again
        self.due = self.now + (0.0 if plan.writes else wait)

    # What holds whatever happens.

    def _check(self, spec: InferenceAutoscalerSpec, plan: Plan[InferenceAutoscalerStatus]) -> None:
        wire = plan.status.wire()
        assert len(json.dumps(wire, separators=(",", ":"))) < 8192, "a status stays small"
        if plan.status.instant != self.status.instant:
            roles = {one.name: one.role for one in spec.signals}
            for one in plan.status.signals:
                if roles[one.name] in COUNTED and one.health is not Health.OK:
                    self.impaired = plan.status.instant
        for write in plan.writes:
            assert self.target is not None
            self._check_write(spec, self.target.replicas, write.patch["spec"]["replicas"])

    def _check_write(self, spec: InferenceAutoscalerSpec, before: int, after: int) -> None:
        if self.deleting:
            assert before == 0 < after
            return
        assert not spec.suspend
        assert spec.mode == "Active"
        assert after >= min(spec.min_replicas, before + 1), "never below the minimum"
        assert after <= spec.max_replicas or after < before, "never above the maximum"
        if after >= before or before > spec.max_replicas:
            return
        hold = spec.scale_down.hold
        seen = self.impaired
        assert seen is None or self.now - seen > hold, "nothing is taken away on a missing number"
        rises = [(at, to) for at, since, to in self.moves if to > since]
        for at, to in rises:
            if self.second - at <= hold and not self.edited:
                assert after >= to, "nothing that was added is taken away within a hold"

    def reversals(self) -> list[int]:
        """When the replicas went down after they had gone up, by our own writes."""
        moves = [(at, to > since) for at, since, to in self.moves]
        return [b[0] for a, b in itertools.pairwise(moves) if a[1] and not b[1]]

    # The story.

    def story(self) -> str:
        """What was told, a line each: the second, whether it warns, and the words."""
        return "\n".join(
            f"{second:5d} s  {'!' if event.warning else ' '} {event.reason}: {event.message}"
            for second, event in self.told
        )
