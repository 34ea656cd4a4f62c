"""``modelyard run`` that stops itself between the fence and its first write to a route."""

import argparse
import asyncio
import os
import signal
from typing import Literal

from operators.cli.run import add_to, chosen, settings_of
from operators.runtime import logs
from operators.runtime.errors import Unavailable
from operators.runtime.process import leave, serve
from operators.runtime.settings import Settings
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus


class _StopOnce:
    """Stops while no renewal of the lease is under way.

    One that was would have passed its deadline when the process goes on, and would end it before
    the write is sent.
    """

    def __init__(self) -> None:
        self._stopped = self._renewing = False

    def __call__(self, when: Literal["before", "after"], call: str) -> None:
        if "/leases" in call:
            self._renewing = when == "before"
        elif when == "before" and "/virtualservices/" in call and not self._stopped:
            if self._renewing:
                raise Unavailable("not now, the lease is being renewed")
            self._stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)


async def run(settings: Settings) -> int:
    telemetry = Telemetry()
    source = Prometheus(settings.prometheus_url, telemetry)
    return await serve(settings, chosen(settings), source, telemetry, _StopOnce())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    add_to(parser.add_subparsers())
    given = settings_of(parser.parse_args())
    logs.configure(given.log_format)
    leave(asyncio.run(run(given)))
