"""What Envoy and the pods of many autoscaled services count, served by one process."""

import argparse
import asyncio
import time

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from hack.bench.runtime.scalers.objects import QUEUES, cluster_name, key, pods

USUAL = 8.0
"""Requests per second and service: less than half of one replica's."""
LATENCY = 0.2
"""Seconds that an answer takes."""
COMPLETED, ACTIVE, PENDING = (
    f"envoy_cluster_upstream_{name}" for name in ("rq_completed", "rq_active", "rq_pending_active")
)
WAITING = "vllm:num_requests_waiting"


def named(metric: str, number: int) -> str:
    """One series of Envoy's, as Prometheus writes it."""
    return f'{metric}{{envoy_cluster_name="{cluster_name(number)}"}}'


class Counters:
    """Requests that come by chance at ``rate`` to each service, all answered at once."""

    def __init__(self, count: int) -> None:
        self.rate = USUAL
        self._count = count
        self._random = np.random.default_rng(1)
        self._completed: NDArray[np.int64] = np.zeros(count, np.int64)
        self._at = time.monotonic()
        self._waiting = "\n".join(
            f'{WAITING}{{namespace="{key(number).namespace}",pod="{pod}"}} 0'
            for number in range(0, count, QUEUES)
            for pod in pods(number)
        )
        self._names = [
            [named(metric, number) for number in range(count)]
            for metric in (COMPLETED, ACTIVE, PENDING)
        ]

    def exposition(self) -> str:
        """The counts as of now in Prometheus's text format."""
        now = time.monotonic()
        self._completed += self._random.poisson(self.rate * (now - self._at), self._count)
        self._at = now
        active = self._random.poisson(self.rate * LATENCY, self._count)
        values = (self._completed.tolist(), active.tolist(), [0] * self._count)
        lines = [
            f"{name} {value}"
            for names, row in zip(self._names, values, strict=True)
            for name, value in zip(names, row, strict=True)
        ]
        return "\n".join((*lines, self._waiting)) + "\n"


async def _serve(port: int, count: int) -> None:
    counters = Counters(count)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=counters.exposition())

    async def rate(request: web.Request) -> web.Response:
        counters.rate = float(request.match_info["rate"])
        return web.Response()

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_post("/rate/{rate}", rate)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    """Runs until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.port, chosen.count))


if __name__ == "__main__":
    main()
