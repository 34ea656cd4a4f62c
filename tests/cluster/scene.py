"""A canary on the real cluster: two model servers, a route, steady traffic and an operator."""

import copy
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import requests

from controllers.api.modelcanary import MODELCANARY
from controllers.api.modelcanary.status import ModelCanaryStatus
from controllers.plan import FINALIZER
from controllers.routing.istio import VIRTUAL_SERVICE
from hack.cluster.cluster import Cluster
from hack.cluster.models import Model
from hack.cluster.traffic import Answer, Traffic
from tests.cluster.api import Api
from tests.cluster.oracle import History, check
from tests.cluster.story import Story

CANARY = MODELCANARY.resource
NAME = "fraud"
ARMS = ("blue", "green")
RPS = 50.0
LOAD_SECONDS = 280.0
ERRORS: Mapping[str, Any] = {
    "name": "errors",
    "type": "ErrorRate",
    "preset": "Envoy",
    "floor": "0.02",
}
# At this floor and 25 clean answers of the candidate a second a certificate takes about 8 s.
QUICK: Mapping[str, Any] = {
    "routeRef": {"name": NAME, "routes": ["primary"]},
    "release": {"arm": "green", "version": "8"},
    "steps": [{"weight": 20, "minDuration": "4s"}, {"weight": 50, "minDuration": "4s"}],
    "guardrails": [ERRORS],
    "analysis": {"interval": "2s", "scrapeInterval": "2s"},
    "noData": {"minCandidateRequests": 10},
}


class Scene(Story):
    """What the test of a canary has in its namespace, and the words to tell its story in."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str) -> None:
        super().__init__(cluster, api, namespace, NAME)
        self.host = f"{NAME}.{namespace}"
        self.models: dict[str, Model] = {}
        self.traffic: Traffic | None = None
        self.stale_writes = 0
        """How many writes of a replica that was stopped while it led the test provokes."""
        self.restarted = False
        """Whether the test restarts the API server."""

    # The set.

    def serve(self, *, rps: float = RPS, weights: tuple[int, int] = (100, 0)) -> None:
        """Starts both arms, their route and, once Envoy knows it, the traffic."""
        with ThreadPoolExecutor(2) as pool:
            for arm, model in zip(ARMS, pool.map(self._model, ARMS, ("7", "8")), strict=True):
                self.models[arm] = model
        self.api.apply(VIRTUAL_SERVICE, self.route(NAME, weights=weights))
        self.until(self._routed, 30, "Envoy has the route")
        if rps:
            self.traffic = self.cluster.traffic(self.host, rps=rps, seconds=LOAD_SECONDS)

    def _model(self, arm: str, version: str) -> Model:
        return self.cluster.models.start(
            arm, namespace=self.namespace, version=version, latency_ms=4
        )

    def _routed(self) -> bool:
        with suppress(requests.ConnectionError):
            asked = f"{self.cluster.gateway_url}/predict"
            return requests.get(asked, headers={"Host": self.host}, timeout=5).ok
        return False

    def route(
        self,
        name: str,
        *,
        host: str = "",
        targets: tuple[str, str] | None = None,
        weights: tuple[int, int] = (100, 0),
    ) -> dict[str, Any]:
        """A VirtualService over both arms, with a rule and fields that are nobody's business."""
        hosts = targets or tuple(self.arm_host(arm) for arm in ARMS)
        pair = [
            {"destination": {"host": target, "port": {"number": 80}}, "weight": weight}
            for target, weight in zip(hosts, weights, strict=True)
        ]
        return {
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"team": "risk"}},
            "spec": {
                "hosts": [host or self.host],
                "gateways": ["istio-system/modelyard-gateway"],
                "http": [
                    {
                        "name": "old-clients",
                        "match": [{"uri": {"prefix": "/v0"}}],
                        "route": [{"destination": {"host": self.arm_host("blue")}}],
                    },
                    {"name": "primary", "timeout": "3s", "route": pair},
                ],
            },
        }

    def arm_host(self, arm: str) -> str:
        return f"{arm}.{self.namespace}.model"

    # What people do.

    def create(self, name: str = NAME, **changes: Any) -> None:
        """Creates the canary: a quick one that releases version 8 on green, with changes."""
        arms = [{"name": arm, "host": self.arm_host(arm)} for arm in ARMS]
        spec = {"arms": arms, **copy.deepcopy(dict(QUICK)), **changes}
        meta = {"name": name, "namespace": self.namespace}
        self.api.apply(CANARY, {"metadata": meta, "spec": spec})

    def change(self, **fields: Any) -> None:
        """Changes fields of the canary's spec."""
        self.api.merge(CANARY, self.namespace, NAME, {"spec": fields})

    def release(self, arm: str, version: str) -> None:
        self.change(release={"arm": arm, "version": version})

    def annotate(self, verb: str, words: str | None = None) -> None:
        """Says something to the canary: about where it stands, if nothing else is given."""
        said = {"metadata": {"annotations": {verb: words or self.status().at}}}
        self.api.merge(CANARY, self.namespace, NAME, said)

    def edit(self, green: int) -> None:
        """Edits the route by hand."""
        route = self.live_route()
        assert route is not None
        for target in _primary(route)["route"]:
            of_green = target["destination"]["host"] == self.arm_host("green")
            target["weight"] = green if of_green else 100 - green
        patch = {
            "metadata": {"resourceVersion": route["metadata"]["resourceVersion"]},
            "spec": {"http": route["spec"]["http"]},
        }
        self.api.merge(VIRTUAL_SERVICE, self.namespace, NAME, patch)

    def delete(self, name: str = NAME) -> None:
        self.api.delete(CANARY, self.namespace, name)

    # What can be seen.

    def canary(self, name: str = NAME) -> dict[str, Any] | None:
        """The object as the API server has it, or None."""
        return self.api.get(CANARY, self.namespace, name)

    def status(self, name: str = NAME) -> ModelCanaryStatus:
        """The status, empty where nothing was said yet."""
        return ModelCanaryStatus.model_validate((self.canary(name) or {}).get("status") or {})

    def says(self, kind: str, name: str = NAME) -> tuple[str, str, str]:
        """Status, reason and message of a condition, empty where it was never stated."""
        for one in self.status(name).conditions:
            if one.type == kind:
                return one.status, one.reason, one.message
        return "", "", ""

    def live_route(self, name: str = NAME) -> dict[str, Any] | None:
        return self.api.get(VIRTUAL_SERVICE, self.namespace, name)

    def weights(self, name: str = NAME) -> dict[str, int]:
        """The weights of the two arms in the route, by arm."""
        route = self.live_route(name)
        targets = _primary(route)["route"] if route else []
        return {
            target["destination"]["host"].split(".")[0]: target.get("weight", 0)
            for target in targets
        }

    def green(self) -> int:
        """The weight of green in the route."""
        return self.weights().get("green", -1)

    def finalizers(self, name: str = NAME) -> list[str]:
        found: list[str] = ((self.canary(name) or {}).get("metadata") or {}).get("finalizers", [])
        return found

    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = ((self.canary() or {}).get("metadata") or {}).get("annotations", {})
        return found

    def answers(self) -> list[Answer]:
        """Every answer that the traffic got so far."""
        return self.traffic.answers() if self.traffic else []

    # Waiting.

    def until_phase(self, phase: str, seconds: float = 60.0, name: str = NAME) -> ModelCanaryStatus:
        """The status once that phase is reached."""
        self.until(lambda: self.status(name).phase == phase, seconds, f"{name} is {phase}")
        return self.status(name)

    def until_green(self, weight: int, seconds: float = 40.0) -> None:
        """Returns once the route gives green that weight and the status knows it."""

        def there() -> bool:
            known = self.status().weights
            return self.green() == weight and known is not None and known.applied == weight

        self.until(there, seconds, f"green has {weight} %")

    # The end.

    def account(self) -> str:
        """All that is known, for whoever reads a failure."""
        lines = []
        for canary in self.api.list(CANARY, self.namespace):
            status = canary.get("status", {})
            shown = {key: value for key, value in status.items() if key != "evidence"}
            lines.append(f"{canary['metadata']['name']}: {json.dumps(shown, indent=1)}")
            lines += [
                f"  {event.get('eventTime')} {event['reason']}: {event.get('note')}"
                for event in self.events(canary["metadata"]["name"])
            ]
        lines.append(f"route: {self.weights()}")
        lines += [one.process.said("ran" if one.running() else "ended") for one in self.operators]
        return "\n".join(lines)

    def close(self) -> None:
        """Ends every process of the scene; no finalizer may keep the namespace."""
        for one in self.operators:
            one.kill()
        if self.traffic:
            self.traffic.process.stop(grace=0.0)
        for canary in self.api.list(CANARY, self.namespace):
            name = canary["metadata"]["name"]
            if FINALIZER in canary["metadata"].get("finalizers", ()):
                freed = {"metadata": {"finalizers": None}}
                self.api.merge(CANARY, self.namespace, name, freed)


@contextmanager
def staged(cluster: Cluster, namespace: str) -> Iterator[Scene]:
    """A scene in a namespace; at its end the audit log is held against what is promised always."""
    with Api(cluster) as api:
        scene = Scene(cluster, api, namespace)
        try:
            yield scene
            print(scene.account())
        finally:
            scene.close()
        history = History(cluster, namespace)
        check(history, scene.stale_writes, restarted=scene.restarted)


def _primary(route: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in route["spec"]["http"] if one.get("name") == "primary"
    )
    return found
