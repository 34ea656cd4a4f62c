"""A model server whose errors and latencies are set from outside and repeat with its seed."""

import argparse
import asyncio
import json
import math
import random
import time
from dataclasses import asdict, dataclass, replace

import prometheus_client
from aiohttp import web


@dataclass(frozen=True)
class Knobs:
    """``errors``: share of 500 answers; ``latency_ms``: median; ``sigma``: of its logarithm."""

    errors: float = 0.0
    latency_ms: float = 5.0
    sigma: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= 1:
            raise ValueError(f"errors is {self.errors}: give a share from 0 to 1")
        if not 0 <= self.latency_ms <= 60_000:
            raise ValueError(f"latency_ms is {self.latency_ms}: give 0 to 60000")
        if not 0 <= self.sigma <= 3:
            raise ValueError(f"sigma is {self.sigma}: give 0 to 3")


class Server:
    """Answers ``/predict``; the n-th request draws the same two numbers whatever the knobs are."""

    def __init__(self, version: str, knobs: Knobs, seed: int) -> None:
        self._version, self._knobs = version, knobs
        self._random = random.Random(seed)
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "model_requests", "Answers.", ["version", "code"], registry=self._registry
        )
        self._seconds = prometheus_client.Histogram(
            "model_request_duration_seconds", "Time.", ["version"], registry=self._registry
        )

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/predict", self._predict)
        app.router.add_put("/knobs", self._turn)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        return app

    async def _predict(self, _: web.Request) -> web.Response:
        started = time.monotonic()
        luck, normal = self._random.random(), self._random.gauss(0.0, 1.0)
        failed = luck < self._knobs.errors
        await asyncio.sleep(self._knobs.latency_ms / 1000 * math.exp(self._knobs.sigma * normal))
        status = 500 if failed else 200
        self._requests.labels(self._version, str(status)).inc()
        self._seconds.labels(self._version).observe(time.monotonic() - started)
        body = {"version": self._version, "score": None if failed else round(luck, 6)}
        return web.json_response(body, status=status, headers={"x-model-version": self._version})

    async def _turn(self, request: web.Request) -> web.Response:
        try:
            asked = {key: float(value) for key, value in json.loads(await request.text()).items()}
            self._knobs = replace(self._knobs, **asked)
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(asdict(self._knobs))

    async def _metrics(self, _: web.Request) -> web.Response:
        text = prometheus_client.generate_latest(self._registry)
        return web.Response(
            body=text, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self._version})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--errors", type=float, default=Knobs.errors)
    parser.add_argument("--latency-ms", type=float, default=Knobs.latency_ms)
    parser.add_argument("--sigma", type=float, default=Knobs.sigma)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    knobs = Knobs(chosen.errors, chosen.latency_ms, chosen.sigma)
    server = Server(chosen.version, knobs, chosen.seed)
    web.run_app(
        server.application(),
        host=chosen.address,
        port=chosen.port,
        access_log=None,
        print=None,
        shutdown_timeout=1.0,
    )


if __name__ == "__main__":
    main()
