"""A few lines of an API server: one ConfigMap, the patches it got, and a watch that ends."""

import asyncio
import threading
from typing import Any, Self

from aiohttp import web

VERSIONS = (5, 6, 7)
"""The versions that a watch reports, one event for each."""


def config_map(version: int) -> dict[str, Any]:
    meta = {"namespace": "n", "name": "one", "uid": "u", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"fill": "x" * 4000}}


class Upstream:
    """It runs in a thread of its own for as long as it is entered."""

    def __init__(self) -> None:
        self.patches: list[dict[str, Any]] = []
        self.tokens: set[str] = set()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _begin(self) -> None:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/n/configmaps", self._list)
        app.router.add_get("/api/v1/namespaces/n/configmaps/one", self._get)
        app.router.add_patch("/api/v1/namespaces/n/configmaps/one", self._patch)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def _get(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers.get("Authorization", ""))
        return web.json_response(config_map(5))

    async def _patch(self, request: web.Request) -> web.Response:
        self.patches.append(await request.json())
        return web.json_response(config_map(5 + len(self.patches)))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response(
                {"metadata": {"resourceVersion": "4"}, "items": [config_map(4)]}
            )
        response = web.StreamResponse()
        await response.prepare(request)
        for version in VERSIONS:
            event = {"type": "MODIFIED", "object": config_map(version)}
            await response.write(web.json_response(event).body + b"\n")  # type: ignore[operator]
            await asyncio.sleep(0.02)
        await response.write_eof()
        return response
