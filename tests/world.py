"""A small world for decisions to be played in: traffic, counters, scrapes, one route, one clock."""

import bisect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from controllers import modelcanary
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus
from controllers.modelcanary import Seen
from controllers.plan import Event, Meta, Plan
from controllers.readings import Answer, Answered, Gap, Missing, Query, Series

EDGES = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)
START = 1_800_000_000


@dataclass
class Server:
    """How one arm answers."""

    errors: float = 0.0
    median_ms: float = 40.0
    sigma: float = 0.5


@dataclass
class World:
    """One canary, its route and its traffic; a second at a time, the same for the same seed."""

    spec: dict[str, Any]
    rps: float = 50.0
    scrape: int = 5
    seed: int = 1
    servers: dict[str, Server] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=lambda: {"blue": 100, "green": 0})
    ready: dict[str, int | None] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    prometheus: Callable[[int], str] = lambda _: "up"
    """By the second: up, down (no answer) or blind (no scrapes)."""
    deleting: bool = False
    unserved: str = ""
    holder: str | None = None
    now: int = START
    generation: int = 1
    finalizer: bool = False
    gone: bool = False
    status: ModelCanaryStatus = field(default_factory=ModelCanaryStatus)
    recorded: ModelCanaryStatus = field(default_factory=ModelCanaryStatus)
    route: dict[str, Any] | None = None
    due: float = 0.0
    counters: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)
    samples: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = field(
        default_factory=dict
    )
    told: list[tuple[int, Event]] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.servers = {"blue": Server(), "green": Server(), **self.servers}
        self.route = {
            "metadata": {"name": "fraud", "namespace": "prod", "resourceVersion": "1"},
            "spec": {
                "hosts": ["fraud.example.com"],
                "http": [
                    {
                        "name": "primary",
                        "timeout": "3s",
                        "route": [
                            {"destination": {"host": f"fraud-{arm}"}, "weight": weight}
                            for arm, weight in self.weights.items()
                        ],
                    }
                ],
            },
        }

    @property
    def share(self) -> int:
        """The weight of the green arm as the route has it now."""
        return self.live()["green"]

    def live(self) -> dict[str, int]:
        """The weights of the route by arm; the last known ones when the route is gone."""
        if self.route is not None:
            self.weights = {
                target["destination"]["host"].removeprefix("fraud-"): target["weight"]
                for target in self.route["spec"]["http"][0]["route"]
            }
        return self.weights

    def edit(self, green: int) -> None:
        """Somebody edits the route by hand."""
        assert self.route is not None
        for target in self.route["spec"]["http"][0]["route"]:
            share = green if target["destination"]["host"] == "fraud-green" else 100 - green
            target["weight"] = share
        self._bump()

    def restart(self) -> None:
        """The operator is killed: only what was recorded is left."""
        self.status = self.recorded
        self.due = 0.0

    def run(self, seconds: int, until: Callable[["World"], bool] = lambda _: False) -> "World":
        """Let time pass, until the end of it or until something is true."""
        for _ in range(seconds):
            if until(self) or self.gone:
                break
            self.second()
        return self

    def second(self) -> None:
        """One second: traffic, a scrape if one is due, and the operator if it is due."""
        self.now += 1
        self._serve()
        if self.now % self.scrape == 0 and self.prometheus(self.now - START) != "blind":
            self._scrape()
        for _ in range(1000):
            if self.due > self.now or self.gone:
                return
            self.decide()
        raise AssertionError("the operator spins")

    def decide(self) -> Plan[ModelCanaryStatus]:
        """One pass of the operator, carried out as the runtime does."""
        spec = ModelCanarySpec.model_validate(self.spec)
        meta = self._meta()
        queries = modelcanary.needs(meta, spec, self.status, self.now)
        seen = Seen(
            route=self.route,
            unserved=self.unserved,
            holder=self.holder,
            ready=self.ready,
            answers={query: self.answer(query) for query in queries},
        )
        plan = modelcanary.decide(meta, spec, self.status, seen, self.now)
        self._settle(plan)
        return plan

    def _meta(self) -> Meta:
        return Meta(
            namespace="prod",
            name="fraud",
            uid="1",
            generation=self.generation,
            created="2026-01-01T00:00:00Z",
            annotations=dict(self.annotations),
            deleting=self.deleting,
            finalizer=self.finalizer,
        )

    def _settle(self, plan: Plan[ModelCanaryStatus]) -> None:
        self.finalizer = self.finalizer or plan.finalizer
        for write in plan.writes:
            assert self.route is not None
            assert write.resource_version == self.route["metadata"]["resourceVersion"]
            self.route["spec"] = {**self.route["spec"], **write.patch["spec"]}
            self._bump()
            self.moves.append((self.now - START, self.share))
        self.status = plan.status
        if plan.record:
            self.recorded = ModelCanaryStatus.model_validate(plan.status.wire())
        self.told += [(self.now - START, event) for event in plan.events]
        for spent in plan.spent:
            self.annotations.pop(spent, None)
        self.finalizer = self.finalizer and plan.finalizer
        self.gone = self.deleting and not self.finalizer
        wait = 3600.0 if plan.look_again is None else plan.look_again
        # A write is seen by its event at once; what needs nobody waits for the next event.
        self.due = self.now + (0.0 if plan.writes or plan.spent else wait)

    def wake(self) -> None:
        """Something the operator watches has changed."""
        self.due = 0.0

    def _bump(self) -> None:
        assert self.route is not None
        version = int(self.route["metadata"]["resourceVersion"]) + 1
        self.route["metadata"]["resourceVersion"] = str(version)
        self.due = 0.0

    def _serve(self) -> None:
        live = self.live()
        requests = self.rng.poisson(self.rps)
        green = self.rng.binomial(requests, live["green"] / 100)
        for arm, count in (("blue", requests - green), ("green", green)):
            server = self.servers[arm]
            bad = self.rng.binomial(count, server.errors)
            self._count(arm, {"envoy_response_code": "200"}, count - bad)
            self._count(arm, {"envoy_response_code": "500"}, bad)
            taken = server.median_ms * np.exp(server.sigma * self.rng.standard_normal(count))
            for edge in EDGES:
                self._bucket(arm, f"{edge}", int((taken <= edge).sum()))
            self._bucket(arm, "+Inf", int(count))

    def _count(self, arm: str, labels: Mapping[str, str], count: int) -> None:
        if count:
            self._add("envoy_cluster_upstream_rq", arm, labels, count)

    def _bucket(self, arm: str, edge: str, count: int) -> None:
        self._add("envoy_cluster_upstream_rq_time_bucket", arm, {"le": edge}, count)

    def _add(self, name: str, arm: str, labels: Mapping[str, str], count: int) -> None:
        cluster = f"outbound|80||fraud-{arm}.prod.svc.cluster.local"
        key = {"__name__": name, "envoy_cluster_name": cluster, "job": "envoy", "instance": "a"}
        series = tuple(sorted({**key, **labels}.items()))
        self.counters[series] = self.counters.get(series, 0.0) + count

    def _scrape(self) -> None:
        for series, value in self.counters.items():
            self.samples.setdefault(series, []).append((float(self.now), value))

    def answer(self, query: Query) -> Answered:
        """What Prometheus would say to a query of raw samples."""
        if self.prometheus(self.now - START) == "down":
            return Missing(Gap.FAILED, "connection refused")
        found = re.fullmatch(r"(\w+)\{.*\}\[(\d+)s\]", query.text)
        if found is None:
            return self.instant(query)
        name, window = found[1], float(found[2])
        return Answer(tuple(self._select(name, query.at - window, query.at)))

    def instant(self, query: Query) -> Answered:
        """What Prometheus would say to a threshold's query: a number is its own answer."""
        if not re.fullmatch(r"[-+0-9.eNa]+", query.text):
            return Answer(())
        one = np.array([query.at]), np.array([float(query.text)])
        return Answer((Series({}, one[0], one[1]),))

    def _select(self, name: str, after: float, until: float) -> Iterator[Series]:
        for series, samples in self.samples.items():
            labels = dict(series)
            if labels.pop("__name__") != name:
                continue
            first = bisect.bisect_right(samples, (after, math.inf))
            kept = samples[first : bisect.bisect_right(samples, (until, math.inf))]
            if kept:
                times, values = zip(*kept, strict=True)
                yield Series(labels, np.array(times), np.array(values))

    def story(self) -> str:
        """What was told, a line each: the second, the green arm's weight then, and the words."""
        return "\n".join(
            f"{second:5d} s  {'!' if event.warning else ' '} {event.reason}: {event.message}"
            for second, event in self.told
        )
