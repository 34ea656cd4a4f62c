"""An autoscaler on the real cluster: a Deployment, its fleet behind Envoy, traffic, an operator."""

import copy
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.plan import FINALIZER
from hack.cluster.cluster import Cluster
from hack.cluster.fleet import Fleet
from hack.cluster.rate import Points
from hack.cluster.traffic import Traffic
from hack.cluster.workload import workload
from operators.runtime.resources import DEPLOYMENT
from tests.cluster.api import Api
from tests.cluster.autoscaler_oracle import Scalings, check
from tests.cluster.story import Story

AUTOSCALER = INFERENCEAUTOSCALER.resource
NAME = "llm"
EACH = 20
"""Requests a second that one replica answers: two at a time, each for a tenth of a second."""
DEMAND: Mapping[str, Any] = {"name": "demand", "role": "Demand", "preset": "Envoy"}
QUEUE: Mapping[str, Any] = {"name": "queue", "role": "Backlog", "preset": "Vllm"}


@dataclass(frozen=True)
class Pace:
    """How long things take; stories are told in seconds of the quick pace."""

    stretch: float
    """Seconds for each of them."""
    interval: int
    scrape: int
    start_up: int
    hold: int
    rise: int
    fall: int


QUICK_PACE = Pace(stretch=1.0, interval=1, scrape=2, start_up=1, hold=8, rise=2, fall=2)
FULL_PACE = Pace(stretch=37.5, interval=15, scrape=15, start_up=60, hold=300, rise=15, fall=60)
"""What users have, where the quick one fits into the test command; see ``make soak``."""
PACE = FULL_PACE if os.environ.get("MODELYARD_PACE") == "full" else QUICK_PACE


def quick(host: str, **changes: Any) -> dict[str, Any]:
    """The spec of an autoscaler that comes to a decision soon, with changes."""
    spec = {
        "targetRef": {"name": NAME},
        "service": {"host": host, "port": 80},
        "maxReplicas": 8,
        "slo": {"objective": "0.9", "wait": "1s", "window": "1m"},
        "signals": [DEMAND, QUEUE],
        "capacity": {"requestsPerSecond": str(EACH), "concurrency": 2},
        "forecast": {"mode": "Off"},
        "startup": {"initial": f"{PACE.start_up + 1}s"},
        "scaleUp": {"percent": 100, "replicas": 4, "period": f"{PACE.rise}s"},
        "scaleDown": {"hold": f"{PACE.hold}s", "percent": 50, "period": f"{PACE.fall}s"},
        "analysis": {"interval": f"{PACE.interval}s", "scrapeInterval": f"{PACE.scrape}s"},
    }
    return copy.deepcopy({**spec, **changes})


class ScalingScene(Story):
    """What the test of an autoscaler has in its namespace, and the words to tell its story in."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str) -> None:
        super().__init__(cluster, api, namespace, NAME)
        self.host = f"{NAME}.{namespace}.model"
        self.fleet: Fleet | None = None
        self.loads: list[Traffic] = []
        self.lowered = False
        """Whether the test lowers a maximum below what there is."""

    # The set.

    def serve(self, *, replicas: int = 1, **pods: Any) -> None:
        """Makes the target, whose pods take a second to be ready, and its model servers."""
        self.cluster.nodes.add(1, gpus=0)
        with ThreadPoolExecutor(1) as pool:
            fleet = pool.submit(
                self.cluster.fleet, self.namespace, NAME, concurrency=2, seconds=2 / EACH
            )
            self.deploy(replicas=replicas, **pods)
            self.fleet = fleet.result()
        if replicas and pods.get("start_up") != "never":
            self.until_ready(replicas)

    def deploy(self, **pods: Any) -> None:
        """Makes the target anew, or edits it as a person does who applies a file."""
        made = workload(NAME, self.namespace, **{"start_up": f"{PACE.start_up}s", **pods})
        self.api.apply(DEPLOYMENT, made)

    def load(self, rps: float | Points, seconds: float = 240.0) -> Traffic:
        """Starts requests, whether they are answered or not."""
        if not isinstance(rps, float | int):
            rps = [(at * PACE.stretch, rate) for at, rate in rps]
        started = self.cluster.traffic(self.host, rps=rps, seconds=seconds * PACE.stretch)
        self.loads.append(started)
        return started

    def unload(self) -> None:
        """Ends the requests that were started last."""
        self.loads[-1].stop()

    # What people do.

    def create(self, name: str = NAME, **changes: Any) -> None:
        """Creates the autoscaler: a quick one, with changes."""
        meta = {"name": name, "namespace": self.namespace}
        self.api.apply(AUTOSCALER, {"metadata": meta, "spec": quick(self.host, **changes)})

    def change(self, **fields: Any) -> None:
        """Changes fields of the autoscaler's spec."""
        self.api.merge(AUTOSCALER, self.namespace, NAME, {"spec": fields})

    def edit(self, replicas: int) -> None:
        """Sets the replicas by hand, as field manager ``kubectl``."""
        self.cluster.kubectl(
            "scale", f"deployment/{NAME}", f"-n={self.namespace}", f"--replicas={replicas}"
        )

    def delete(self, name: str = NAME) -> None:
        self.api.delete(AUTOSCALER, self.namespace, name)

    # What can be seen.

    def autoscaler(self, name: str = NAME) -> dict[str, Any] | None:
        """The object as the API server has it, or None."""
        return self.api.get(AUTOSCALER, self.namespace, name)

    def status(self, name: str = NAME) -> InferenceAutoscalerStatus:
        """The status, empty where nothing was said yet."""
        found = (self.autoscaler(name) or {}).get("status") or {}
        return InferenceAutoscalerStatus.model_validate(found)

    def says(self, kind: str, name: str = NAME) -> tuple[str, str, str]:
        """Status, reason and message of a condition, empty where it was never stated."""
        for one in self.status(name).conditions:
            if one.type == kind:
                return one.status, one.reason, one.message
        return "", "", ""

    def replicas(self) -> int:
        """What the target's ``spec.replicas`` says; -1 where there is no target."""
        found = self.api.get(DEPLOYMENT, self.namespace, NAME)
        return int(found["spec"]["replicas"]) if found else -1

    def ready(self) -> int:
        """How many pods of the target are ready."""
        found = self.api.get(DEPLOYMENT, self.namespace, NAME) or {}
        return int(found.get("status", {}).get("readyReplicas", 0))

    def finalizers(self) -> list[str]:
        found: list[str] = ((self.autoscaler() or {}).get("metadata") or {}).get("finalizers", [])
        return found

    def scalings(self) -> Scalings:
        """What was set so far, and by whom."""
        return Scalings(self.cluster, self.namespace)

    # Waiting, in seconds of the quick pace.

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        super().until(true, seconds * PACE.stretch, what)

    def always(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        super().always(true, seconds * PACE.stretch, what)

    def until_replicas(self, least: int, most: int | None = None, seconds: float = 30.0) -> None:
        """Returns once there are so many replicas, or a number in between."""
        high = least if most is None else most
        what = f"there are {least} to {high} replicas"
        self.until(lambda: least <= self.replicas() <= high, seconds, what)

    def until_ready(self, replicas: int, seconds: float = 30.0) -> None:
        """Returns once so many are ready and serve."""

        def there() -> bool:
            assert self.fleet is not None
            return self.ready() == replicas and len(self.fleet.replicas()) == replicas

        self.until(there, seconds, f"{replicas} replicas are ready and serve")

    def until_says(self, kind: str, status: str, reason: str = "", seconds: float = 30.0) -> str:
        """The message of a condition, once it has that status and reason."""

        def said() -> bool:
            found = self.says(kind)
            return found[0] == status and reason in {"", found[1]}

        self.until(said, seconds, f"{kind} is {status} {reason}")
        return self.says(kind)[2]

    def until_measured(self) -> None:
        """Returns once every signal has a value and a decision was made on it."""
        self.until_says("MetricsAvailable", "True")

    def until_settled(self, least: int, most: int, seconds: float = 60.0) -> None:
        """Returns once for half a hold there were so many, all ready, and hardly anything waits."""
        since = time.monotonic()

        def still() -> bool:
            nonlocal since
            now = self.replicas()
            queue = [one.value or 0.0 for one in self.status().signals if one.name == "queue"]
            if self.ready() != now or sum(queue) > EACH or not least <= now <= most:
                since = time.monotonic()
            return time.monotonic() - since > PACE.hold / 2

        self.until(still, seconds, f"{least} to {most} replicas have settled")

    # The end.

    def account(self) -> str:
        """All that is known, for whoever reads a failure."""
        lines = []
        for one in self.api.list(AUTOSCALER, self.namespace):
            name, status = one["metadata"]["name"], one.get("status", {})
            lines.append(f"{name}: {json.dumps(status, indent=1)}")
            lines += [
                f"  {event.get('eventTime')} {event['reason']}: {event.get('note')}"
                for event in self.events(name)
            ]
        lines.append(f"replicas: {self.replicas()}, ready: {self.ready()}")
        lines += [str(one) for one in self.scalings().all()]
        lines += [one.process.said("ran" if one.running() else "ended") for one in self.operators]
        return "\n".join(lines)

    def close(self) -> None:
        """Ends every process of the scene; no finalizer may keep the namespace."""
        for one in self.operators:
            one.kill()
        for load in self.loads:
            load.process.stop(grace=0.0)
        if self.fleet is not None:
            self.fleet.kill()
        for found in self.api.list(AUTOSCALER, self.namespace):
            if FINALIZER in found["metadata"].get("finalizers", ()):
                freed = {"metadata": {"finalizers": None}}
                self.api.merge(AUTOSCALER, self.namespace, found["metadata"]["name"], freed)


@contextmanager
def staged(cluster: Cluster, namespace: str) -> Iterator[ScalingScene]:
    """A scene in a namespace; at its end the audit log is held against what is promised always."""
    with Api(cluster) as api:
        scene = ScalingScene(cluster, api, namespace)
        try:
            yield scene
            print(scene.account())
        finally:
            scene.close()
        check(scene.scalings(), lowered=scene.lowered)
