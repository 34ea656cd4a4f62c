"""A release of pods that run: two Deployments, their Services, a route and steady traffic."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controllers.api.modelcanary.status import ModelCanaryStatus
from controllers.routing.istio import VIRTUAL_SERVICE
from hack.cluster.cluster import Cluster
from hack.rights.used import Mode, note
from tests.cluster.api import Api
from tests.cluster.oracle import History, check
from tests.cluster.scene import ARMS, LOAD_SECONDS, NAME, RPS, Scene
from tests.e2e.stories.elsewhere import api
from tests.e2e.stories.models import served
from tests.e2e.stories.release import FAREWELL, USER, Release

ERRORS = {"name": "errors", "type": "ErrorRate", "preset": "Istio", "floor": "0.02"}
VERSIONS = ("7", "8")


class Stage(Scene):
    """A scene whose model servers are pods and whose operator is the release of the cluster."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, release: Release, image: str):
        super().__init__(cluster, api, namespace)
        self.chart = release
        self._image = image
        self._began = time.time()

    # The set.

    def serve(
        self,
        *,
        rps: float = RPS,
        weights: tuple[int, int] = (100, 0),
        lasting: float = LOAD_SECONDS,
        **bad: float,
    ) -> None:
        """Starts both arms, their route and, once it is there, traffic of ``lasting`` seconds.

        ``bad``: knobs of the new version, ``errors=0.2`` say.
        """
        for arm, version in zip(ARMS, VERSIONS, strict=True):
            worse = bad if arm == "green" else {}
            self.deploy(arm, version=version, **{"seconds": 0.004, "concurrency": 16, **worse})
        self.until_deployed(*ARMS)
        self.api.apply(VIRTUAL_SERVICE, self.route(NAME, weights=weights))
        self.until(self._routed, 30, "the gateway has the route")
        self.traffic = self.cluster.traffic(self.host, rps=rps, seconds=lasting)

    def deploy(self, name: str, *, version: str, **knobs: float) -> None:
        """Applies a Deployment of one model server and its Service, both of that name."""
        flags = [f"--{knob}={value:g}" for knob, value in knobs.items()]
        for resource, obj in served(
            self.namespace, name, self._image, f"--version={version}", *flags
        ):
            self.api.apply(resource, obj)

    def until_deployed(self, *names: str) -> None:
        """Returns once all pods of these Deployments are Ready."""
        named = [f"deployment/{name}" for name in names]
        ready = ("--for=condition=Available", "--timeout=90s")
        self.cluster.kubectl("wait", *named, f"-n={self.namespace}", *ready, seconds=100)

    def arm_host(self, arm: str) -> str:
        return f"{arm}.{self.namespace}.svc.cluster.local"

    # What people do.

    def create(self, name: str = NAME, **changes: Any) -> None:
        super().create(name, **{"guardrails": [ERRORS], **changes})

    # What can be seen.

    def history(self) -> History:
        """What the operator asked for that concerns this namespace, from the audit log."""
        return History(self.cluster, self.namespace, {USER, FAREWELL}, self._began)

    def audited(self) -> bool:
        """Whether there is an audit log: another's cluster shows none."""
        return (self.cluster.folder / "log" / "audit.log").exists()

    def shares_were(self, *shares: int) -> bool:
        """Whether the operator gave the new version these shares, each once and in this order."""
        return not self.audited() or self.history().shares() == list(shares)

    def account(self) -> str:
        return f"{super().account()}\nlogs:\n{self.chart.log(40)}"


@contextmanager
def staged(cluster: Cluster, namespace: str, release: Release, image: str) -> Iterator[Stage]:
    """A stage in a namespace; at its end the audit log is held against what is promised always."""
    with api(cluster) as one:
        stage = Stage(cluster, one, namespace, release, image)
        removals = release.removals
        try:
            yield stage
            print(stage.account())
        finally:
            stage.close()
        if stage.audited():
            note(cluster.folder, USER, Mode.CLUSTER_WIDE, os.environ["PYTEST_CURRENT_TEST"])
            # Helm takes rights away while pods end, which are about to write or give the lease up.
            check(stage.history(), restarted=release.removals > removals)
            nothing_is_lost(stage.history())


def nothing_is_lost(history: History) -> None:
    """What was judged in a run is judged: no record says less than one before it."""
    known: dict[tuple[str, int], tuple[float, int]] = {}
    written = [
        one for one in history.requests if one.done and one.resource == "modelcanaries/status"
    ]
    for one in sorted(written, key=lambda one: one.version):
        status = ModelCanaryStatus.model_validate(one.body["status"])
        counts = [each.candidate.requests for each in status.guardrails if each.candidate]
        if status.evidence is None or not counts:
            continue
        before = known.get((one.name, status.run), (0.0, 0))
        now = status.evidence.instant, sum(counts)
        assert before[0] <= now[0], f"judged up to {before[0]}, and then to {now[0]}"
        assert before[1] <= now[1], f"{before[1]} answers were counted, and then {now[1]}"
        known[one.name, status.run] = now
