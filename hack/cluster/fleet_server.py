"""The program behind a fleet: a model server for each ready pod, each on a port of its own.

All replicas are in this one process, so that dozens of them are light on a small machine. What is
ready is served, then published to Envoy (the endpoints of a ServiceEntry) and to Prometheus (a file
of targets); what is gone is taken from both first and serves on until its last answer.
"""

import argparse
import asyncio
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import prometheus_client
from aiohttp import web

from hack.cluster.folder import write
from hack.cluster.pods import Api
from hack.cluster.replica import Knobs, Replica
from hack.cluster.service_entry import service_entry

_PORTS = range(20_000, 32_000)
_SETTLE = 0.05  # seconds in which changes of several pods become one write
_AGAIN = 0.5  # seconds until what could not be published is tried again
_LEAVE = 2.0  # seconds in which Envoy hears of an endpoint that goes
_IDLE = 3600.0  # longer than Envoy keeps a connection, so that it never meets a closed one


@dataclass(frozen=True)
class Place:
    """Which fleet this is, and where it serves and publishes."""

    namespace: str
    name: str
    host: str
    address: str
    targets: Path


@dataclass(frozen=True)
class Serving:
    replica: Replica
    port: int
    site: web.TCPSite


class FleetServer:
    """Serves the ready pods that it is told of."""

    def __init__(self, api: Api, place: Place, knobs: Knobs) -> None:
        self._api, self._place, self._knobs = api, place, knobs
        self._ready: Mapping[str, str] = {}
        self._serving: dict[str, Serving] = {}
        self._by_port: dict[int, Replica] = {}
        self._ports = itertools.cycle(_PORTS)
        self._changed = asyncio.Event()
        self._published = False
        self._leaving: set[asyncio.Task[None]] = set()
        self._runner = web.AppRunner(
            self._replicas_application(),
            access_log=None,
            handler_cancellation=True,  # whoever hangs up leaves the queue
            keepalive_timeout=_IDLE,
        )

    def control(self) -> web.Application:
        app = web.Application()
        app.router.add_put("/knobs", self._turn)
        app.router.add_get("/replicas", self._list)
        app.router.add_get("/healthz", self._healthz)
        return app

    def follow(self, ready: Mapping[str, str]) -> None:
        """Takes note of the ready pods, uid: name."""
        self._ready = dict(ready)
        self._changed.set()

    async def publish(self) -> None:
        """Serves and publishes what was last noted, as long as this program runs."""
        await self._runner.setup()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.sleep(_SETTLE)
            try:
                await self._settle(self._ready)
            except (aiohttp.ClientError, TimeoutError):
                self._changed.set()
                await asyncio.sleep(_AGAIN)

    async def _settle(self, ready: Mapping[str, str]) -> None:
        for uid, pod in ready.items():
            if uid not in self._serving:
                self._serving[uid] = await self._open(pod)
        here = [serving for uid, serving in self._serving.items() if uid in ready]
        place = self._place
        endpoints = [
            {"address": place.address, "ports": {"http": serving.port}} for serving in here
        ]
        entry = service_entry(place.namespace, place.name, place.host, endpoints)
        group = "/apis/networking.istio.io/v1"
        path = f"{group}/namespaces/{place.namespace}/serviceentries/{place.name}"
        await self._api.apply(path, entry)
        write(place.targets, json.dumps([self._target(one) for one in self._scraped(here)]))
        for uid in set(self._serving) - set(ready):
            leaving = asyncio.create_task(self._leave(self._serving.pop(uid)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        self._published = True

    async def _open(self, pod: str) -> Serving:
        """Serves a pod on the next port that is free, none twice within a long time."""
        replica = Replica(pod, self._place.name, self._knobs, seed=next(self._ports))
        for port in self._ports:
            site = web.TCPSite(self._runner, self._place.address, port)
            try:
                await site.start()
            except OSError:
                continue  # taken by somebody who listens on every address
            self._by_port[port] = replica
            return Serving(replica, port, site)
        raise RuntimeError("the ports never end")

    async def _leave(self, leaving: Serving) -> None:
        await asyncio.sleep(_LEAVE)
        await leaving.replica.slots.idle.wait()
        await leaving.site.stop()
        del self._by_port[leaving.port]

    def _scraped(self, here: list[Serving]) -> list[Serving]:
        return here[: math.ceil(len(here) * self._knobs.scraped)]

    def _target(self, serving: Serving) -> dict[str, Any]:
        labels = {"namespace": self._place.namespace, "pod": serving.replica.pod}
        return {"targets": [f"{self._place.address}:{serving.port}"], "labels": labels}

    def _replicas_application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_route("*", "/{path:.*}", self._predict)
        return app

    def _replica(self, request: web.Request) -> Replica:
        if request.transport is None:
            raise web.HTTPServiceUnavailable
        port = request.transport.get_extra_info("sockname")[1]
        if port not in self._by_port:
            raise web.HTTPServiceUnavailable(text="this replica is gone")
        return self._by_port[port]

    async def _predict(self, request: web.Request) -> web.Response:
        replica = self._replica(request)
        status = await replica.serve()
        return web.Response(status=status, headers={"x-model-version": replica.pod})

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=self._replica(request).metrics(),
            headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST},
        )

    async def _turn(self, request: web.Request) -> web.Response:
        try:
            asked = {key: float(value) for key, value in json.loads(await request.text()).items()}
            self._knobs = replace(self._knobs, **asked)
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        for serving in self._serving.values():
            serving.replica.turn(self._knobs)
        self._changed.set()
        return web.json_response(asdict(self._knobs))

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "pod": serving.replica.pod,
                    "port": serving.port,
                    "running": serving.replica.slots.running,
                    "waiting": serving.replica.slots.waiting,
                    "completed": serving.replica.completed,
                }
                for serving in self._serving.values()
            ]
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self._published else 503)


async def run(chosen: argparse.Namespace) -> None:
    place = Place(chosen.namespace, chosen.name, chosen.host, chosen.address, chosen.targets)
    api = Api(chosen.server, chosen.pki)
    server = FleetServer(api, place, Knobs(**json.loads(chosen.knobs)))
    control = web.AppRunner(server.control(), access_log=None)
    await control.setup()
    await web.TCPSite(control, chosen.address, chosen.port).start()
    try:
        await asyncio.gather(
            server.publish(), api.follow(chosen.namespace, chosen.selector, server.follow)
        )
    finally:
        await api.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("namespace", "name", "host", "selector", "address", "server"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--targets", type=Path, required=True)
    parser.add_argument("--knobs", default="{}", help="as JSON, by their names")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
