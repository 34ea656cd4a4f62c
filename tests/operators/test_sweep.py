"""The list that finds what kopf never told comes once, after kopf has read its own."""

import asyncio

import pytest

from operators.runtime import watching
from operators.runtime.gateway import Login
from operators.runtime.objects import Key
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry
from operators.runtime.watching import OwnWatch
from tests.operators import toy
from tests.operators.bench import TOYS, until
from tests.operators.double import Double


async def _login() -> Login:
    raise AssertionError("nobody is to log in")


def test_a_vanished_object_is_found_once_kopf_lists_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "SOON", 0.2)

    async def story() -> None:
        server = Double()
        server.add(TOYS, toy.manifest("one"))
        server.add(TOYS, toy.manifest("two"))
        store = Store(TOYS)
        store.replace(*await server.list(TOYS, ""))
        del server.objects[TOYS][Key("default", "two")]
        watch = OwnWatch(server, _login, [store], "", "me", Telemetry())
        sweeps = asyncio.create_task(watch._sweep_while(frozenset({TOYS})))
        for _ in range(20):
            watch._sweep_due.set()
            await asyncio.sleep(0.02)
            assert len(store) == 2
        await until(lambda: len(store) == 1)
        sweeps.cancel()
        await asyncio.gather(sweeps, return_exceptions=True)

    asyncio.run(story())
