"""What runs during the demo: the cluster, the operator, both arms and the traffic."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from controllers.api.modelcanary.status import Happening, ModelCanaryStatus
from hack.cluster import operator
from hack.cluster.cluster import Cluster
from hack.cluster.models import Model
from hack.cluster.process import DiedError, Process
from hack.cluster.traffic import Traffic
from hack.demo.live import Live, NoAnswerError
from hack.demo.scene import Arm, Scene
from hack.demo.tally import Tally
from hack.demo.train import Trained

PARTS = ("core", "istio", "envoy", "prometheus")
PROGRAMS = ("etcd", "kube-apiserver", "istiod", "envoy", "prometheus")
NAMESPACE, NAME = "demo", "digits"
HOST = "digits.example"
ARMS = {"blue": "digits-blue.demo.model", "green": "digits-green.demo.model"}
RPS = 100.0
MANIFESTS = Path(__file__).parent / "manifests"


class Stage:
    """Everything that runs; ``look`` says where it stands, DiedError what has died."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.cluster = Cluster(folder, say)
        self._operator: Process | None = None
        self._models: dict[str, Model] = {}
        self._traffic: Traffic | None = None
        self._tally: Tally | None = None
        self._live: Live | None = None
        self._began = self._clock = 0.0
        self._events: list[tuple[float, Happening]] = []
        self.moves: list[tuple[float, dict[str, int]]] = []
        """When Envoy was first seen with new weights (monotonic clock), and the weights by arm."""

    def up(self) -> None:
        """The parts of the cluster that are needed, and the operator in it."""
        self.cluster.up(PARTS, scrape_seconds=2.0)
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        operator.install(self.cluster)
        self._operator = operator.start(self.cluster, "--checkpoint", "2", "--log-format", "text")

    def serve(self, arm: str, trained: Trained) -> None:
        """Puts a version on an arm, in place of the one that was there."""
        program = ("hack.demo.serve", "--model", str(trained.file))
        self._models[arm] = self.cluster.models.start(
            f"{NAME}-{arm}",
            namespace=NAMESPACE,
            version=trained.version,
            host=ARMS[arm],
            program=program,
        )

    def apply(self, manifest: str, change: Callable[[Any], None] = lambda _: None) -> None:
        """Applies one file of ``manifests/``, with a change to it."""
        found = yaml.safe_load((MANIFESTS / manifest).read_text())
        change(found)
        self.cluster.apply(found)

    def send(self, images: Path, seconds: float) -> None:
        """Begins the traffic, once Envoy has a route for it; it ends by itself after that time."""
        live = self._live = Live(self.cluster, NAMESPACE, NAME)
        deadline = time.monotonic() + 30
        while not live.weights(HOST):
            self.check()
            if time.monotonic() > deadline:
                raise DiedError(self.cluster.part("istio").process.said("gave Envoy no route"))
            time.sleep(0.1)
        self._traffic = self.cluster.traffic(HOST, rps=RPS, seconds=seconds, bodies=images)
        self._tally = Tally(self._traffic.file)
        self._began, self._clock = time.time(), time.monotonic()

    def check(self) -> None:
        """Raises DiedError with the last lines of the first program that is not running."""
        programs = [self.cluster.part(name).process for name in PROGRAMS]
        programs += [model.process for model in self._models.values()]
        programs += [self._operator] if self._operator else []
        programs += [self._traffic.process] if self._traffic else []
        for program in programs:
            if program.pid() is None:
                raise DiedError(program.said("died"))

    def look(self, title: str) -> Scene:
        """The scene at this moment; ``send`` and the ModelCanary come before."""
        self.check()
        self.tally.read()
        now = time.monotonic()
        try:
            shares = self._weights(now)
            spec, status = self.live.canary()
        except NoAnswerError:
            time.sleep(0.5)  # a program that is about to die is told by its log
            self.check()
            raise
        arms = {name: self._arm(name, shares.get(name, 0), now) for name in ARMS}
        return Scene(title, now - self._clock, arms, spec, status, self._told(status))

    def _weights(self, now: float) -> dict[str, int]:
        found = self.live.weights(HOST)
        shares = {name: found.get(host, 0) for name, host in ARMS.items()}
        if not self.moves or self.moves[-1][1] != shares:
            self.moves.append((now, shares))
        return shares

    def _arm(self, name: str, weight: int, now: float) -> Arm:
        version, tally = self._models[name].version, self.tally
        rate, bad_rate = tally.rates(version, now)
        return Arm(
            version=version,
            weight=weight,
            answers=tally.answers[version],
            bad=tally.bad[version],
            rate=rate,
            bad_rate=bad_rate,
        )

    def _told(self, status: ModelCanaryStatus) -> tuple[tuple[float, Happening], ...]:
        known = [event for _, event in self._events]
        for event in status.history:
            if event not in known:
                second = datetime.fromisoformat(event.at).timestamp() - self._began
                self._events.append((max(0.0, second), event))
        return tuple(self._events)

    @property
    def operator(self) -> Process:
        """The operator's process."""
        if self._operator is None:
            raise LookupError("the operator was not started yet")
        return self._operator

    @property
    def tally(self) -> Tally:
        """The answers so far."""
        if self._tally is None:
            raise LookupError("there is no traffic yet")
        return self._tally

    @property
    def live(self) -> Live:
        """Where the canary and Envoy stand."""
        if self._live is None:
            raise LookupError("there is no traffic yet")
        return self._live

    def close(self) -> None:
        """Ends what was opened in this process; everything else goes on."""
        if self._live is not None:
            self._live.close()
