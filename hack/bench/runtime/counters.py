"""The mesh's counters of many canaries, served by one process that follows their routes."""

import argparse
import asyncio
import random
import time
from pathlib import Path

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from controllers.routing.istio import VIRTUAL_SERVICE
from hack.bench.runtime.objects import ARMS, connected, host, key
from operators.runtime.informer import Informer
from operators.runtime.store import Store

RPS = 50.0
ERRORS = 0.0005
"""In both arms, below the floor of 0.1 %: of a thousand equal pairs above it some are rolled back,
as alpha allows, and would be missing among the runs that are measured."""
_CODES = ("200", "503")


class Counters:
    """Counts that grow by chance at ``RPS``, split between the arms as each route says now."""

    def __init__(self, count: int, routes: Store) -> None:
        self._count = count
        self._routes = routes
        self._random = np.random.default_rng(1)
        self._counts: NDArray[np.int64] = np.zeros((count, len(ARMS), len(_CODES)), np.int64)
        self._at = time.monotonic()
        names = [
            f'envoy_cluster_upstream_rq{{envoy_cluster_name="outbound|80||{host(number, arm)}",'
            f'envoy_response_code="{code}"}} '
            for number in range(count)
            for arm in ARMS
            for code in _CODES
        ]
        self._names = names

    def exposition(self) -> str:
        """The counts as of now in Prometheus's text format."""
        self._grow()
        lines = (
            f"{name}{value}"
            for name, value in zip(self._names, self._counts.ravel().tolist(), strict=True)
        )
        return "# TYPE envoy_cluster_upstream_rq counter\n" + "\n".join(lines) + "\n"

    def _grow(self) -> None:
        now = time.monotonic()
        requests = self._random.poisson(RPS * (now - self._at), self._count)
        self._at = now
        second = self._random.binomial(requests, self._shares())
        by_arm = np.stack((requests - second, second), axis=1)
        bad = self._random.binomial(by_arm, ERRORS)
        self._counts += np.stack((by_arm - bad, bad), axis=2)

    def _shares(self) -> NDArray[np.float64]:
        """The second arm's share of each route; none while the route is not known."""
        shares = np.zeros(self._count)
        for number in range(self._count):
            route = self._routes.get(*key(number))
            if route is not None:
                shares[number] = route["spec"]["http"][0]["route"][1]["weight"] / 100
        return shares


async def _serve(kubeconfig: Path, port: int, count: int) -> None:
    async with connected(kubeconfig) as gateway:
        routes = Store(VIRTUAL_SERVICE)
        counters = Counters(count, routes)

        async def metrics(_: web.Request) -> web.Response:
            return web.Response(text=counters.exposition())

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await Informer(gateway, routes, "", random.random).run()


def main() -> None:
    """Runs until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.kubeconfig, chosen.port, chosen.count))


if __name__ == "__main__":
    main()
