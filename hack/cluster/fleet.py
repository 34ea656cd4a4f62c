"""A fleet: model servers behind one host, as many as a workload has ready pods."""

import http.client
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hack.cluster.binaries import ROOT
from hack.cluster.istio import GATEWAY, NAMESPACE
from hack.cluster.models import claim, end, healthy, process_name, turn
from hack.cluster.process import Process
from hack.cluster.site import Site, environment


@dataclass(frozen=True)
class Replica:
    """One replica now: the pod that it stands for, its port, and its requests."""

    pod: str
    port: int
    running: int
    waiting: int
    completed: int


@dataclass(frozen=True)
class Fleet:
    """A running fleet; its address is this cluster's alone."""

    site: Site
    namespace: str
    name: str
    host: str
    address: str
    port: int

    @property
    def process(self) -> Process:
        return self.site.process(process_name(self.namespace, _key(self.name)))

    def set(self, **knobs: float) -> None:
        """Changes ``concurrency``, ``seconds``, ``sigma``, ``errors`` or ``scraped`` of all."""
        turn(self.name, self.address, self.port, knobs)

    def replicas(self) -> list[Replica]:
        """Every replica that serves and is published, in the order in which they came."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=5)
        try:
            connection.request("GET", "/replicas")
            return [Replica(**each) for each in json.loads(connection.getresponse().read())]
        finally:
            connection.close()

    def pause(self) -> None:
        """Stops every replica in its tracks: connections stay and nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def kill(self) -> None:
        """Ends every replica and leaves the ServiceEntry, as a crash does."""
        self.process.stop(grace=0.0)

    def stop(self) -> None:
        """Ends every replica and removes the route, the ServiceEntry and the scrape targets."""
        for kind in ("virtualservice", "serviceentry"):
            self.site.kubectl(
                "delete", kind, self.name, f"-n={self.namespace}", "--ignore-not-found"
            )
        end(self.site, self.namespace, _key(self.name))


def start(
    site: Site,
    namespace: str,
    name: str,
    *,
    host: str = "",
    routed: bool = True,
    **knobs: float,
) -> Fleet:
    """See ``Cluster.fleet``."""
    address, port = claim(site, namespace, _key(name))
    fleet = Fleet(site, namespace, name, host or f"{name}.{namespace}.model", address, port)
    fleet.process.stop(grace=0.0)
    fleet.process.start(
        [
            *(sys.executable, "-m", "hack.cluster.fleet_server", "--namespace", namespace),
            *("--name", name, "--host", fleet.host, "--selector", f"app={name}"),
            *("--address", address, "--port", str(port), "--pki", f"{site.folder}/pki"),
            *("--server", f"https://127.0.0.1:{site.port('kube-apiserver')}"),
            *("--targets", f"{site.folder}/targets/{process_name(namespace, _key(name))}.json"),
            *("--knobs", json.dumps(knobs)),
        ],
        environment({"PYTHONPATH": str(ROOT)}),
    )
    fleet.process.await_ready(lambda: healthy(address, port), seconds=30)
    if routed:
        site.apply(_route(fleet))
    return fleet


def _key(name: str) -> str:
    return f"fleet-{name}"  # a model server of the same name is another thing


def _route(fleet: Fleet) -> Mapping[str, Any]:
    destination = {"host": fleet.host, "port": {"number": 80}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": fleet.name, "namespace": fleet.namespace},
        "spec": {
            "hosts": [fleet.host],
            "gateways": [f"{NAMESPACE}/{GATEWAY}"],
            "http": [{"route": [{"destination": destination}]}],
        },
    }
