"""An autoscaler of pods that run, which are scraped where they are."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controllers.routing.istio import VIRTUAL_SERVICE
from hack.cluster.cluster import Cluster
from hack.rights.used import Mode, note
from tests.cluster.api import Api
from tests.cluster.autoscaler_oracle import Scalings, check
from tests.cluster.autoscaler_scene import EACH, NAME, QUEUE, ScalingScene
from tests.e2e.stories.elsewhere import api
from tests.e2e.stories.models import served
from tests.e2e.stories.release import FAREWELL, USER, Release

DEMAND = {"name": "demand", "role": "Demand", "preset": "Istio"}


class ScalingStage(ScalingScene):
    """A scene whose target is a Deployment of model servers behind a Service and the gateway."""

    def __init__(
        self, cluster: Cluster, api: Api, namespace: str, release: Release, image: str
    ) -> None:
        super().__init__(cluster, api, namespace)
        self.chart = release
        self.host = f"{NAME}.{namespace}.svc.cluster.local"
        self._image = image
        self._began = time.time()

    def serve(self, *, replicas: int = 1, **pods: Any) -> None:
        """Makes the target, of which a pod serves two requests at a time, and the way to it."""
        knobs = {"concurrency": 2, "seconds": 2 / EACH, **pods}
        flags = [f"--{knob}={value:g}" for knob, value in knobs.items()]
        for resource, obj in served(self.namespace, NAME, self._image, *flags):
            self.api.apply(resource, obj)
        destination = {"host": self.host, "port": {"number": 80}}
        spec = {
            "hosts": [self.host],
            "gateways": ["istio-system/modelyard-gateway"],
            "http": [{"route": [{"destination": destination}]}],
        }
        meta = {"name": NAME, "namespace": self.namespace}
        self.api.apply(VIRTUAL_SERVICE, {"metadata": meta, "spec": spec})
        self.until_ready(replicas)

    def create(self, name: str = NAME, **changes: Any) -> None:
        super().create(name, **{"signals": [DEMAND, QUEUE], "maxReplicas": 4, **changes})

    def until_ready(self, replicas: int, seconds: float = 30.0) -> None:
        what = f"{replicas} replicas are ready"
        self.until(lambda: self.ready() == replicas, seconds, what)

    def scalings(self) -> Scalings:
        """What was set so far, and by whom."""
        return Scalings(self.cluster, self.namespace, {USER, FAREWELL}, self._began)

    def audited(self) -> bool:
        """Whether there is an audit log: another's cluster shows none."""
        return (self.cluster.folder / "log" / "audit.log").exists()

    def account(self) -> str:
        told = super().account() if self.audited() else str(self.autoscaler())
        return f"{told}\nlogs:\n{self.chart.log(40)}"


@contextmanager
def staged(
    cluster: Cluster, namespace: str, release: Release, image: str
) -> Iterator[ScalingStage]:
    """A stage in a namespace; at its end the audit log is held against what is promised always."""
    with api(cluster) as one:
        stage = ScalingStage(cluster, one, namespace, release, image)
        try:
            yield stage
            print(stage.account())
        finally:
            stage.close()
        if stage.audited():
            note(cluster.folder, USER, Mode.CLUSTER_WIDE, os.environ["PYTEST_CURRENT_TEST"])
            check(stage.scalings())
