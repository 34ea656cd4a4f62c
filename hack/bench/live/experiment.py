"""One experiment: a candidate that is healthy for a while, then fails, until it has no traffic."""

import http
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hack.bench.live.contest import (
    CANDIDATE,
    STABLE,
    Contestant,
    host,
    public_host,
    virtual_service,
)
from hack.bench.live.outcome import Outcome, first_answer, first_bad, outcome
from hack.cluster.cluster import Cluster
from hack.cluster.models import Model
from hack.cluster.traffic import Answer, Traffic

RPS = 50.0
HEALTHY = 75.0
SPREAD = 10.0
"""Seconds over which the faults are spread, lest a judge be met at one point of its beat."""
QUIET = 5.0
"""Without a candidate's answer for so long, at a tenth of the traffic or more, it is over."""
_ROUTES = "virtualservices"
_STARTS_WITHIN, _OVER_WITHIN = 120.0, 300.0


@dataclass(frozen=True)
class Experiment:
    """One run of one contestant; ``number`` of ``runs`` is also the seed of its model servers."""

    contestant: Contestant
    errors: float
    number: int
    runs: int

    @property
    def namespace(self) -> str:
        """A namespace of its own."""
        who = self.contestant.name.split()[0].lower()
        return f"{who}-{self.errors * 100:.0f}-{self.number}"

    def run(self, cluster: Cluster) -> "Played":
        """Plays it to its end and takes its namespace away.

        Raises TimeoutError when the candidate never gets traffic; one that never loses it again is
        left after ``_OVER_WITHIN`` seconds.
        """
        with self._world(cluster) as (candidate, traffic):
            watched = _Watched(traffic.file)
            self.contestant.release(cluster, self.namespace)
            watched.until(watched.began, time.monotonic() + _STARTS_WITHIN)
            if not watched.began():
                why = self.contestant.why(cluster, self.namespace)
                raise TimeoutError(f"{self.namespace}: no traffic for the candidate; {why}")
            time.sleep(HEALTHY + SPREAD * self.number / self.runs)
            candidate.set(errors=self.errors)
            watched.until(watched.quiet, time.monotonic() + _OVER_WITHIN)
            return Played(watched.answers, self.contestant.why(cluster, self.namespace))

    @contextmanager
    def _world(self, cluster: Cluster) -> Iterator[tuple[Model, Traffic]]:
        cluster.kubectl("create", "namespace", self.namespace)
        try:
            for arm in (STABLE, CANDIDATE):
                model = cluster.models.start(
                    arm,
                    namespace=self.namespace,
                    host=host(self.namespace, arm),
                    seed=self.number,
                )
            cluster.apply(virtual_service(self.namespace))
            self.contestant.prepare(cluster, self.namespace)
            longest = _STARTS_WITHIN + HEALTHY + SPREAD + _OVER_WITHIN
            host_header = public_host(self.namespace)
            with cluster.traffic(host_header, rps=RPS, seconds=longest) as traffic:
                time.sleep(5.0)  # for Prometheus to have seen the stable version
                yield model, traffic
        finally:
            cluster.kubectl("delete", "namespace", self.namespace, "--wait=false")
            cluster.models.stop_all(self.namespace)


@dataclass(frozen=True)
class Played:
    """Every answer of an experiment, and what the contestant said at its end."""

    answers: list[Answer]
    why: str

    def outcome(self, writes: Sequence[float]) -> Outcome | None:
        """What it comes to; ``writes``: when the contestant wrote the route, in unix seconds."""
        began = first_bad(self.answers, CANDIDATE)
        wrote = next((at for at in writes if began is not None and at > began), None)
        return outcome(self.answers, CANDIDATE, quiet=QUIET, wrote=wrote, why=self.why)


@dataclass
class _Watched:
    """The answers of a load that goes on, read as they come."""

    file: Path
    answers: list[Answer] = field(default_factory=list)
    read: int = 0

    def until(self, met: Callable[[], bool], deadline: float) -> None:
        """Reads on until it is met, or until the deadline, by the monotonic clock."""
        self._read_on()
        while not met() and time.monotonic() < deadline:
            time.sleep(0.5)
            self._read_on()

    def began(self) -> bool:
        return first_answer(self.answers, CANDIDATE) is not None

    def quiet(self) -> bool:
        """Whether the candidate has given none of the answers of the last seconds."""
        mine = [answer.at for answer in self.answers if answer.version == CANDIDATE]
        return bool(mine) and self.answers[-1].at - mine[-1] >= QUIET

    def _read_on(self) -> None:
        with self.file.open() as file:
            file.seek(self.read)
            text = file.read()
        whole = text.rfind("\n") + 1  # the last line may be half written
        self.read += len(text[:whole].encode())
        self.answers += [Answer(**json.loads(line)) for line in text[:whole].splitlines()]


def writes(cluster: Cluster) -> dict[tuple[str, str], list[float]]:
    """When each user changed the route of each namespace, by the API server's audit log."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in cluster.audit():
        about = event.get("objectRef", {})
        changed = event["verb"] in {"patch", "update"} and about.get("resource") == _ROUTES
        if changed and event.get("responseStatus", {}).get("code") == http.HTTPStatus.OK:
            at = datetime.fromisoformat(event["stageTimestamp"]).timestamp()
            found[event["user"]["username"], about["namespace"]].append(at)
    return found
