"""What a kubelet and a Prometheus ask of the process: /healthz, /readyz, /metrics."""

import json
import time
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from operators.runtime.checks import Check, off
from operators.runtime.loop import Loop
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry

STALLED = 30.0
"""Seconds without a sign of life after which a loop counts as stopped."""


class Health:
    """The answers, from what the process knows of itself."""

    def __init__(
        self,
        loops: Mapping[str, Loop],
        own: Mapping[str, Store],
        others: Mapping[str, Store],
        telemetry: Telemetry,
        leading: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        *,
        checks: Sequence[Check] = (),
    ) -> None:
        self._loops = loops
        self._own = own
        self._others = others
        self._telemetry = telemetry
        self._leading = leading
        self._clock = clock
        self._checks = checks

    def healthy(self) -> dict[str, str]:
        """The loops that have stopped, and for how long; empty: all is well."""
        stopped = {}
        for name, loop in self._loops.items():
            silent = self._clock() - loop.ticked if loop.ticked is not None else 0.0
            if silent > STALLED:
                stopped[name] = f"no sign of life for {silent:.0f} s"
        return stopped

    def waiting(self) -> dict[str, str]:
        """Our own kinds of which it is not known yet whether they work: a moment at the start."""
        if not all(check.asked for check in self._checks):
            return dict.fromkeys(self._own, "its rights and its CRD are being looked at")
        return {name: store.why for name, store in self._own.items() if not store.asked}

    def off(self) -> dict[str, str]:
        """Our own kinds that do not work now, and why; the others do."""
        found = {
            name: off(self._checks, name) or store.why
            for name, store in self._own.items()
            if name not in self.waiting()
        }
        return {name: why for name, why in found.items() if why}

    def ready(self) -> bool:
        """Whether it is known of each kind whether it works, and one does; leading or not."""
        return not self.waiting() and (not self._own or len(self.off()) < len(self._own))

    def notes(self) -> dict[str, str]:
        """What a person should know, and no kind is off for."""
        return {name: why for check in self._checks for name, why in check.notes.items()}

    def missing(self) -> dict[str, str]:
        """What is not in this cluster and some kinds could use; no reason to be unready."""
        return {name: store.why for name, store in self._others.items() if not store.served}

    def application(self) -> web.Application:
        """The three pages as an aiohttp application."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _healthz(self, _request: web.Request) -> web.Response:
        stopped = self.healthy()
        return _page({"ok": not stopped, "stopped": stopped}, ok=not stopped)

    async def _readyz(self, _request: web.Request) -> web.Response:
        ready = self.ready()
        detail = {
            "ok": ready,
            "leader": self._leading(),
            "waiting": self.waiting(),
            "off": self.off(),
            "notes": self.notes(),
            "missing": self.missing(),
        }
        return _page(detail, ok=ready)

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = self._telemetry.exposition()
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4"})


def _page(detail: Mapping[str, object], *, ok: bool) -> web.Response:
    return web.Response(
        text=json.dumps(detail) + "\n",
        status=200 if ok else 503,
        content_type="application/json",
    )


async def serve(app: web.Application, listen: str) -> web.AppRunner:
    """Serves the application on ``host:port``; the runner's ``cleanup`` ends it.

    OSError if the port is taken.
    """
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host or None, int(port)).start()
    return runner
