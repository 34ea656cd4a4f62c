"""One model server in a pod, set by flags at its start and by PUT /knobs while it runs."""

import argparse
import asyncio
import json
import signal
import time
from dataclasses import asdict, fields, replace

import prometheus_client
from aiohttp import web

from hack.cluster.replica import Knobs, Replica

_IDLE = 3600.0  # longer than Envoy keeps a connection, so that it never meets a closed one


class Server:
    """Answers ``/metrics``, ``/healthz``, ``/readyz`` and ``/knobs``; any other path predicts.

    Ready ``start_up`` seconds after it was made, as a model that is being loaded, and until then
    it answers 503. Every answer has the version in its header ``x-model-version``.
    """

    def __init__(self, replica: Replica, version: str, knobs: Knobs, start_up: float) -> None:
        self._replica, self._version, self._knobs = replica, version, knobs
        self._ready_at = time.monotonic() + start_up

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_put("/knobs", self._turn)
        app.router.add_route("*", "/{path:.*}", self._predict)
        return app

    async def _predict(self, _: web.Request) -> web.Response:
        status = await self._replica.serve() if self._ready else 503
        body = {"version": self._version}
        return web.json_response(body, status=status, headers={"x-model-version": self._version})

    async def _turn(self, request: web.Request) -> web.Response:
        try:
            asked = {key: float(value) for key, value in json.loads(await request.text()).items()}
            self._knobs = replace(self._knobs, **asked)
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._replica.turn(self._knobs)
        return web.json_response(asdict(self._knobs))

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._replica.metrics(),
            headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST},
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self._version})

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.json_response({"ready": self._ready}, status=200 if self._ready else 503)

    @property
    def _ready(self) -> bool:
        return time.monotonic() >= self._ready_at


async def serve(server: Server, port: int, leave: float) -> None:
    """Serves until SIGTERM, then ``leave`` seconds more, in which the gateway hears of it."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        handler_cancellation=True,  # whoever hangs up leaves the queue
        keepalive_timeout=_IDLE,
        shutdown_timeout=20.0,  # for what is being served
    )
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()
    await told.wait()
    await asyncio.sleep(leave)
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="model-server", description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--version", default="v1", help="in each answer's x-model-version")
    parser.add_argument("--model", default="model", help="label model_name of the metrics")
    parser.add_argument("--start-up", type=float, default=0.0, help="seconds until it is ready")
    parser.add_argument("--leave", type=float, default=2.0, help="seconds it serves after SIGTERM")
    parser.add_argument("--seed", type=int, default=0)
    names = [knob.name for knob in fields(Knobs) if knob.name != "scraped"]
    for name in names:
        default = getattr(Knobs, name)
        parser.add_argument(f"--{name}", type=float, default=default, help=f"{default} if not said")
    chosen = parser.parse_args()
    knobs = Knobs(**{name: getattr(chosen, name) for name in names})
    replica = Replica(chosen.version, chosen.model, knobs, chosen.seed)
    server = Server(replica, chosen.version, knobs, chosen.start_up)
    asyncio.run(serve(server, chosen.port, chosen.leave))


if __name__ == "__main__":
    main()
