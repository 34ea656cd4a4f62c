"""The baseline: the usual kopf operator, which has a timer for each object and does nothing."""

import argparse
import asyncio
import logging
from typing import Any

import kopf
from aiohttp import web

from hack.bench.runtime.objects import CANARIES, INTERVAL

_registry = kopf.OperatorRegistry()
_seen: set[str] = set()


@kopf.timer(
    CANARIES.group, CANARIES.version, CANARIES.plural, interval=INTERVAL, registry=_registry
)
async def look(uid: str, **_: Any) -> None:
    """One look at one object, which finds nothing to do."""
    _seen.add(uid)


async def _serve(port: int) -> None:
    """Tells on ``/`` how many objects have had their first look."""

    async def count(_: web.Request) -> web.Response:
        return web.Response(text=str(len(_seen)))

    app = web.Application()
    app.router.add_get("/", count)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    kopf.on.login(registry=_registry)(kopf.login_with_kubeconfig)
    await kopf.operator(registry=_registry, settings=settings, clusterwide=True)


def main() -> None:
    """Runs until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(chosen.port))


if __name__ == "__main__":
    main()
