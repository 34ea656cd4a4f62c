"""One script in lock-step with the controller: each look waits until the scene is set."""

import math
import threading
import time
from dataclasses import dataclass

from hack.bench.autoscaler.hpa import Hpa, Observed
from hack.bench.autoscaler.hpa_metrics import Sample, Source
from hack.bench.autoscaler.real.apis import AwayError, Scale
from hack.bench.autoscaler.real.audit import Audit
from hack.bench.autoscaler.real.manifest import metric_name
from hack.bench.autoscaler.real.pods import SELECTOR, Pods
from hack.bench.autoscaler.real.script import Scene, Script

SETTLE = 0.5
"""Seconds until the controller's watch of pods has surely told it of a change."""
PACE = 1.2
"""Seconds between two looks: a window or a period of 2, 3 or 4 s that begins with one ends 0.4 s
away from every other, so that the milliseconds between our clock and the controller's do not
matter."""
CLEAR = 0.2
"""Seconds by which a look keeps away from such an end after a look that was late."""


@dataclass(frozen=True)
class Look:
    """One look of the controller, and what came of it."""

    at: float
    """Seconds since the script began at which the controller read its clock, as nearly as known."""
    observed: Observed
    asked: int
    """How many metrics the controller asked for."""
    real: int
    model: int

    @property
    def agrees(self) -> bool:
        return self.real == self.model


class Stage:
    """The scale and the metrics of one target.

    The controller reads the scale at the beginning of every look: the answer is held back until the
    script's scene is set. What it writes before it reads again is its decision.
    """

    def __init__(
        self, script: Script, pods: Pods, audit: Audit, base: float, offset: float
    ) -> None:
        """``base`` is when the pods' times begin, ``offset`` sets its looks beside others'."""
        self.script, self.looks = script, list[Look]()
        self.over = threading.Event()
        self.failure: BaseException | None = None
        self._pods, self._audit, self._base, self._offset = pods, audit, base, offset
        self._model = Hpa(script.spec)
        self._replicas = script.replicas
        self._scene = Scene()
        self._observed: Observed | None = None
        self._begun = self._at = 0.0
        self._wrote = False
        self._moments: list[float] = []
        """When windows and periods of this script began."""
        self._asked: set[int] = set()
        self._names: list[str] = []

    def read(self) -> Scale | None:
        """The scale as the next look shall see it; None once the script is over."""
        try:
            return self._next()
        except BaseException as failure:
            self.failure = failure
            self.over.set()
            raise

    def write(self, replicas: int) -> None:
        """The decision of the look that goes on."""
        self._replicas, self._wrote = replicas, True

    def values(self, metric: str) -> list[float]:
        """An External metric, as two series; a missing one is an empty list or an error."""
        value = self._value(metric)
        if value is None:
            if len(self.looks) % 2:
                raise AwayError("the script says so")
            return []
        part = round(value * 1000) // 3 / 1000
        return [part, round(value - part, 3)]

    def value(self, metric: str) -> float | None:
        """An Object metric."""
        return self._value(metric)

    def samples(self, metric: str | None = None) -> dict[str, Sample]:
        """The metric of each pod that has one, by pod; without a name that of the resource."""
        index = self._index(metric)
        return {
            name: sample._replace(at=self._base + sample.at)
            for name, pod in zip(self._names, self._scene.pods, strict=True)
            if (sample := pod.samples[index]) is not None
        }

    def _value(self, metric: str) -> float | None:
        return self._scene.values[self._index(metric)]

    def _index(self, name: str | None) -> int:
        """The place of the metric that is asked for; without a name the one of the resource."""
        for index, metric in enumerate(self.script.spec.metrics):
            if name == (None if metric.source is Source.RESOURCE else metric_name(index)):
                self._asked.add(index)
                self._at = self._now()
                return index
        raise AwayError(f"{self.script.name} has no {name or 'resource'}")

    def _next(self) -> Scale | None:
        self._conclude()
        if len(self.looks) == self.script.looks:
            self.over.set()
            return None
        scene = self.script.scene(len(self.looks), self._replicas)
        if scene.overwritten is not None:
            self._replicas = scene.overwritten
        if self._pods.show(scene.pods):
            time.sleep(SETTLE)
        self._scene, self._names, self._asked = scene, self._pods.names(), set()
        self._await_turn()
        self._begun = self._at = self._now()
        self._wrote = False
        status = self._replicas + scene.surge
        self._observed = Observed(self._replicas, status, scene.pods, scene.values)
        return Scale(self._replicas, status, SELECTOR)

    def _conclude(self) -> None:
        """Asks the model what the look that is over should have come to, by the same clock."""
        if self._observed is None:
            return
        observed, self._observed = self._observed, None
        at, written = self._clock()
        self._model.read(self._begun, observed.spec)
        desired = self._model.decide(at, observed)
        if desired != observed.spec:
            self._model.written(written, observed.spec, desired)
        self._moments += [self._begun, at, written]
        self.looks.append(Look(at, observed, len(self._asked), self._replicas, desired))

    def _clock(self) -> tuple[float, float]:
        """When the controller decided, and when it noted its write, each between two known times.

        It decides after it has asked for the last metric and before it writes anything. It notes a
        change after the scale is written and before it writes its status.
        """
        since = self._base + self._begun
        writes = self._audit.writes(self._pods.namespace, since, scaled=self._wrote)
        times = {
            one.subresource: (one.received - self._base, one.answered - self._base)
            for one in reversed(writes)
        }
        first = min((received for received, _ in times.values()), default=self._at)
        at = (self._at + max(self._at, first)) / 2
        if "scale" not in times:
            return at, at
        answered = times["scale"][1]
        noted, _ = times.get("status", (answered, answered))
        return at, (answered + max(answered, noted)) / 2

    def _now(self) -> float:
        return time.time() - self._base

    def _await_turn(self) -> None:
        """Waits for the next instant of the pace that is not just where a window ends."""
        beat = math.ceil((self._now() - self._offset) / PACE)
        time.sleep(max(0.0, self._offset + PACE * beat - self._now()))
        limit = self._now() + 2.0
        ends = [begun + length for begun in self._moments for length in self.script.durations]
        while self._now() < limit and any(abs(self._now() - end) < CLEAR for end in ends):
            time.sleep(0.05)
