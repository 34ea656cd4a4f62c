"""The operator as a process that serves the toy, for tests on a real API server.

CRASH_AT=``before:3`` or ``after:3`` kills it around its third write other than to its Lease.
"""

import asyncio
import os
import signal
from typing import Literal

from operators.runtime import logs
from operators.runtime.process import leave, serve
from operators.runtime.settings import Settings, environment
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus
from tests.operators.toy import TOY


class _Crash:
    def __init__(self, at: str) -> None:
        when, _, number = at.partition(":")
        self._when, self._number = when, int(number or 0)
        self._writes = 0

    def __call__(self, when: Literal["before", "after"], call: str) -> None:
        if "/leases" in call:
            return
        self._writes += when == "before"
        if self._writes == self._number and when == self._when:
            os.kill(os.getpid(), signal.SIGKILL)


async def main() -> int:
    settings = Settings.model_validate(environment())
    telemetry = Telemetry()
    source = Prometheus(settings.prometheus_url, telemetry)
    hook = _Crash(os.environ["CRASH_AT"]) if "CRASH_AT" in os.environ else None
    return await serve(settings, (TOY,), source, telemetry, hook)


if __name__ == "__main__":
    logs.configure("text")
    leave(asyncio.run(main()))
