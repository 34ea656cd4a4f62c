"""What runs during the demo: a cluster with a past, two workloads, an autoscaler for each."""

import http.client
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import yaml

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.inferenceautoscaler.queries import asking
from hack.cluster import operator
from hack.cluster.cluster import Cluster
from hack.cluster.fleet import Fleet
from hack.cluster.process import DiedError, Process
from hack.cluster.stages import START_UP
from hack.cluster.traffic import Traffic
from hack.cluster.workload import workload
from hack.demo.autoscaler import metrics
from hack.demo.autoscaler.demand import STEP, Peak, history
from hack.demo.autoscaler.live import Live
from hack.demo.autoscaler.outcome import Outcome, Supply
from hack.demo.autoscaler.scene import Moment, Scene, Side, Told
from hack.demo.autoscaler.waits import Waits
from hack.demo.live import NoAnswerError

PARTS = ("core", "controllers", "scheduler", "kwok", "istio", "envoy")
PROGRAMS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"),
    *("istiod", "envoy", "prometheus"),
)
NAMESPACE = "demo"
OURS, THEIRS = "modelyard", "hpa"
SIDES = (OURS, THEIRS)
METRIC = "requests-per-second"
MANIFESTS = Path(__file__).parent / "manifests"
DAYS = 8
SLOTS, SERVICE, SPREAD = 4, 0.4, 0.2
"""What one replica does: so many requests at a time, each so many seconds, with some spread."""
FIRST = 3
"""Replicas of each in the beginning."""
MARK = 5.0
"""The second of a minute at which the peak begins: a forecast goes by full minutes."""
SETTLED = 20.0
"""Seconds of scrapes until there is a rate, also at an instant of an interval ago."""


@dataclass(frozen=True)
class Act:
    """How long things take."""

    peak: Peak
    start_up: str
    """Of a replica, as in ``hack.cluster.stages``."""
    planned: str
    """The time that the autoscaler is told to plan with."""
    ahead: float
    """Seconds from the history's end until the peak begins, at least."""


FULL = Act(Peak(base=12.0, top=60.0, rise=10.0, lasts=110.0, fall=20.0), "70s..85s", "2m", 190.0)
SHORT = Act(Peak(base=12.0, top=60.0, rise=10.0, lasts=50.0, fall=10.0), "35s..42s", "1m5s", 125.0)


class Stage:
    """Everything that runs; ``look`` says where it stands, DiedError what has died."""

    def __init__(self, folder: Path, say: Callable[[str], None], act: Act) -> None:
        self.cluster = Cluster(folder, say)
        self.act = act
        self._fleets: dict[str, Fleet] = {}
        self._programs: list[Process] = []
        self._operator: Process | None = None
        self._live: Live | None = None
        self._traffic: dict[str, Traffic] = {}
        self._waits: dict[str, Waits] = {}
        self._supply = {name: Supply() for name in SIDES}
        self._at_peak: dict[str, int] = {}
        self._began = self._clock = self._begins = self._scraped = 0.0
        self._events: dict[str, tuple[float, Told]] = {}
        self._trail: list[Moment] = []

    @property
    def spec(self) -> InferenceAutoscalerSpec:
        """Of the InferenceAutoscaler, as it is applied."""
        return InferenceAutoscalerSpec.model_validate(self._manifest("inferenceautoscaler")["spec"])

    def up(self) -> None:
        """The cluster without its Prometheus, and both workloads, ready and reachable."""
        self.cluster.up(PARTS, scrape_seconds=2.0)
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        operator.install(self.cluster)
        self.cluster.nodes.add(1, gpus=0)
        for name in SIDES:
            deployed = workload(name, NAMESPACE, replicas=FIRST, start_up=self.act.start_up)
            self.cluster.apply(deployed)
            self._fleets[name] = self.cluster.fleet(
                NAMESPACE, name, concurrency=SLOTS, seconds=SERVICE, sigma=SPREAD
            )
        self._warm()
        for fleet in self._fleets.values():
            _until(partial(self._answers, fleet.host), f"{fleet.name} did not answer")

    def begin(self, seconds: float) -> float:
        """Begins the traffic, puts days of it into Prometheus' past, and starts Prometheus.

        The traffic ends by itself so many seconds after the peak. Returns how long it is until the
        peak begins, in seconds.
        """
        peak, now = self.act.peak, time.time()
        self._begins = math.ceil((now + self.act.ahead) / 60.0) * 60.0 + MARK
        self._began, self._clock = now, time.monotonic()
        until = self._begins - now
        for name, fleet in self._fleets.items():
            self._traffic[name] = self.cluster.traffic(
                fleet.host, rps=peak.points(until), seconds=until + peak.length + seconds
            )
            ends = self._clock + until + peak.length
            self._waits[name] = Waits(self._traffic[name].file, self._clock + until, ends)
        start, past = history(peak, self._begins, now, DAYS, SERVICE)
        envoy = urlsplit(self.cluster.envoy_admin_url).netloc
        labels = [
            f'{{envoy_cluster_name="outbound|80||{fleet.host}",instance="{envoy}",job="envoy"}}'
            for fleet in self._fleets.values()
        ]
        series = {f"{name}{of}": values for of in labels for name, values in past.items()}
        self.cluster.backfill(series, start=start, step=STEP)
        self.cluster.up(("prometheus",))
        self._scraped = time.monotonic()
        return until

    def scale(self) -> None:
        """Starts the operator and the metrics of the HPA, and makes both autoscalers."""
        self._programs.append(self._serve_metrics())
        self._operator = operator.start(self.cluster, "--checkpoint", "2", "--log-format", "text")
        time.sleep(max(0.0, self._scraped + SETTLED - time.monotonic()))
        self.cluster.apply(
            self._manifest("inferenceautoscaler"), self._manifest("horizontalpodautoscaler")
        )
        self._live = Live(self.cluster, NAMESPACE, OURS)

    def check(self) -> None:
        """Raises DiedError with the last lines of the first program that is not running."""
        programs = [self.cluster.part(name).process for name in PROGRAMS]
        programs += [fleet.process for fleet in self._fleets.values()]
        programs += [traffic.process for traffic in self._traffic.values()]
        for program in (*programs, *self._programs, self.operator):
            if program.pid() is None:
                raise DiedError(program.said("died"))

    def look(self) -> Scene:
        """The scene at this moment; ``scale`` comes before."""
        self.check()
        try:
            replicas, status, told = self.live.replicas(), self.live.status(), self.live.events()
        except NoAnswerError:
            time.sleep(0.5)  # a program that is about to die is told by its log
            self.check()
            raise
        now = time.monotonic()
        sides = {name: self._side(name, replicas[name], now) for name in SIDES}
        second, begins = now - self._clock, self._begins - self._began
        if second >= begins and not self._at_peak:
            self._at_peak = {name: side.ready for name, side in sides.items()}
        demand = float(self.act.peak.rate(np.array([second - begins]))[0])
        ready = {name: side.ready for name, side in sides.items()}
        self._trail.append(Moment(second, demand, ready))
        for uid, at, event in sorted(told, key=lambda one: one[1]):
            self._events.setdefault(uid, (max(0.0, at - self._began), event))
        return Scene(
            seconds=second,
            begins=begins,
            ends=begins + self.act.peak.length,
            demand=demand,
            sides=sides,
            status=status,
            trail=tuple(self._trail),
            events=tuple(self._events.values()),
        )

    def outcome(self, name: str) -> Outcome:
        """How one of the two did, as far as was seen."""
        waits = self._waits[name]
        return Outcome(
            name=name,
            ready=self._at_peak.get(name, 0),
            answers=waits.answers,
            late=waits.late,
            peak_answers=waits.peak_answers,
            peak_late=waits.peak_late,
            replica_seconds=self._supply[name].replica_seconds,
        )

    @property
    def operator(self) -> Process:
        """The operator's process."""
        if self._operator is None:
            raise LookupError("the operator was not started yet")
        return self._operator

    @property
    def live(self) -> Live:
        """Where both stand."""
        if self._live is None:
            raise LookupError("nothing is scaled yet")
        return self._live

    def close(self) -> None:
        """Ends what was opened in this process; everything else goes on."""
        if self._live is not None:
            self._live.close()

    def _manifest(self, name: str) -> Any:
        found = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
        if "startup" in found["spec"]:
            found["spec"]["startup"]["initial"] = self.act.planned
        return found

    def _warm(self) -> None:
        """Has the first replicas ready at once: only those to come take their time."""
        pods = f"-n={NAMESPACE}", "-o=name"
        most = FIRST * len(SIDES)
        _until(
            lambda: len(self.cluster.kubectl("get", "pods", *pods).split()) == most, "no pods came"
        )
        self.cluster.kubectl(
            "annotate", "pods", "--all", f"-n={NAMESPACE}", "--overwrite", f"{START_UP}=1s"
        )
        self.cluster.kubectl(
            "wait", "pods", "--all", f"-n={NAMESPACE}", "--for=condition=Ready", "--timeout=60s"
        )

    def _answers(self, host: str) -> bool:
        place = urlsplit(self.cluster.gateway_url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            connection.request("GET", "/predict", headers={"Host": host})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _serve_metrics(self) -> Process:
        """The demand of the HPA: the query of the InferenceAutoscaler, for the other workload."""
        (demand,) = asking(self.spec, NAMESPACE, OURS, 0)
        host = re.escape(self._fleets[THEIRS].host).replace("\\", "\\\\")
        named = f'envoy_cluster_upstream_rq_completed{{envoy_cluster_name=~".*{host};?"}}'
        query = f"{demand.value.text} and on (envoy_cluster_name) {named}"
        lookback = demand.value.lookback or 300.0  # as is Prometheus' own
        return metrics.serve(self.cluster, NAMESPACE, METRIC, query, lookback)

    def _side(self, name: str, replicas: tuple[int, int, int], now: float) -> Side:
        asked, pods, ready = replicas
        waits = self._waits[name]
        waits.read()
        self._supply[name].note(now, pods)
        lately, slow = waits.lately(now)
        return Side(asked, pods, ready, waits.answers, waits.late, lately, slow)


def _until(done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Returns once it is done; raises TimeoutError that says what was not."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds:.0f} s")
        time.sleep(0.2)
