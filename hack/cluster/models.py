"""Model servers as processes of this machine, each behind a ServiceEntry on a loopback address."""

import http.client
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hack.cluster.binaries import ROOT
from hack.cluster.folder import locked
from hack.cluster.process import Process
from hack.cluster.prometheus import remove_targets, write_targets
from hack.cluster.service_entry import service_entry
from hack.cluster.site import Site, environment

_LAST_ADDRESS = 253  # 254 is the gateway's own


class KnobsError(Exception):
    """A model server did not take its knobs; the message holds its answer."""


@dataclass(frozen=True)
class Model:
    """One running model server; the address is this cluster's alone."""

    site: Site
    namespace: str
    name: str
    version: str
    host: str
    address: str
    port: int

    @property
    def process(self) -> Process:
        return self.site.process(process_name(self.namespace, self.name))

    def set(self, **knobs: float) -> None:
        """Changes ``errors`` (share of 500, 0 to 1), ``latency_ms`` (median) or ``sigma``."""
        turn(self.name, self.address, self.port, knobs)

    def pause(self) -> None:
        """Stops the process in its tracks: connections stay and nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def kill(self) -> None:
        """Ends the process and leaves the ServiceEntry, as a crash does."""
        self.process.stop(grace=0.0)

    def stop(self) -> None:
        """Ends the process and removes its ServiceEntry and its scrape target."""
        self.site.kubectl(
            "delete", "serviceentry", self.name, f"-n={self.namespace}", "--ignore-not-found"
        )
        end(self.site, self.namespace, self.name)


class Models:
    """The model servers of a cluster."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def start(
        self,
        name: str,
        *,
        namespace: str,
        version: str = "",
        host: str = "",
        program: Sequence[str] = ("hack.cluster.model_server",),
        **knobs: float,
    ) -> Model:
        """Starts a server and returns when it answers; ``host`` is ``<name>.<namespace>.model``.

        ``knobs`` as of ``Model.set``, and ``seed``: the same seed gives the same errors and
        latencies in the order of requests. The namespace is to exist. Started again under the same
        name, it comes back at the same address, with the new knobs. ``program`` is another module
        to run, with arguments, that takes ``--address``, ``--port`` and ``--version`` too and
        answers ``/healthz`` and ``/metrics``; it has knobs only if it takes them.
        """
        model = self._model(namespace, name, version or name, host or f"{name}.{namespace}.model")
        model.process.stop(grace=0.0)
        model.process.start(
            [sys.executable, "-m", *program, "--address", model.address]
            + ["--port", str(model.port), "--version", model.version]
            + [part for key, value in knobs.items() for part in (_flag(key), str(value))],
            environment({"PYTHONPATH": str(ROOT)}),
        )
        model.process.await_ready(lambda: healthy(model.address, model.port), seconds=30)
        endpoint = {
            "address": model.address,
            "ports": {"http": model.port},
            "labels": {"version": model.version},
        }
        self._site.apply(service_entry(model.namespace, model.name, model.host, [endpoint]))
        labels = {"model": name, "namespace": namespace}
        target = process_name(namespace, name)
        write_targets(self._site, target, f"{model.address}:{model.port}", labels)
        return model

    def stop_all(self, namespace: str) -> None:
        """Ends every server of a namespace that goes away itself, with its ServiceEntries."""
        for key in list(self._site.state.get("models", {})):
            owner, name = key.split("/")
            if owner == namespace:
                end(self._site, namespace, name)

    def _model(self, namespace: str, name: str, version: str, host: str) -> Model:
        address, port = claim(self._site, namespace, name)
        return Model(self._site, namespace, name, version, host, address, port)


def claim(site: Site, namespace: str, name: str) -> tuple[str, int]:
    """A loopback address for this name alone until ``end``, and the port that all models share."""
    with locked(site.folder):
        known: dict[str, int] = dict(site.state.get("models", {}))
        key = f"{namespace}/{name}"
        if key not in known:
            known[key] = min(set(range(1, _LAST_ADDRESS + 1)) - set(known.values()))
        site.choose_ports(["models"])
        site.note(models=known)
    return site.address(known[key]), site.port("models")


def turn(name: str, address: str, port: int, knobs: Mapping[str, float]) -> None:
    """Changes knobs of a running server; raises KnobsError with its answer when it refuses."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("PUT", "/knobs", json.dumps(knobs))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise KnobsError(f"{name}: {answer.status} {text}")


def process_name(namespace: str, name: str) -> str:
    """What a server's process, log and scrape targets are called."""
    return f"model-{namespace}-{name}"


def end(site: Site, namespace: str, name: str) -> None:
    """Ends the process and gives its address back."""
    site.process(process_name(namespace, name)).stop(grace=2.0)
    remove_targets(site, process_name(namespace, name))
    with locked(site.folder):
        known: dict[str, int] = dict(site.state.get("models", {}))
        known.pop(f"{namespace}/{name}", None)
        site.note(models=known)


def _flag(knob: str) -> str:
    return "--" + knob.replace("_", "-")


def healthy(address: str, port: int) -> bool:
    """Whether a server answers 200 to ``/healthz`` within 2 s."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
