"""The list that finds what kopf never told comes once, after kopf has read its own."""

import asyncio
from typing import Any

import pytest

from operators.runtime import watching
from operators.runtime.errors import Forbidden, Unavailable
from operators.runtime.gateway import Login
from operators.runtime.objects import Key, Obj
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


@pytest.mark.parametrize("error", [Unavailable("503"), Forbidden("roles are not read yet")])
def test_a_sweep_that_fails_for_a_moment_is_made_again_and_empties_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SOON", 0.01)
    monkeypatch.setattr(watching, "ABSENT", 0.01)

    async def story() -> None:
        server = Double()
        server.add(TOYS, toy.manifest("one"))
        server.add(TOYS, toy.manifest("two"))
        store = Store(TOYS)
        store.replace(*await server.list(TOYS, ""))
        told: list[bool] = []
        store.on_served(lambda: told.append(store.served))
        del server.objects[TOYS][Key("default", "two")]
        whole, failed = server.list, 0

        async def broken(*arguments: Any) -> tuple[list[Obj], int]:
            nonlocal failed
            failed += 1
            if failed <= 2:
                raise error
            return await whole(*arguments)

        server.list = broken  # type: ignore[method-assign, assignment]
        watch = OwnWatch(server, _login, [store], "", "me", Telemetry())
        sweeps = asyncio.create_task(watch._sweep_while(frozenset({TOYS})))
        store.doubt()
        await until(lambda: len(store) == 1)
        assert failed == 3
        assert told == []
        sweeps.cancel()
        await asyncio.gather(sweeps, return_exceptions=True)

    asyncio.run(story())


def test_a_doubt_that_is_raised_again_and_again_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "SOON", 0.1)

    async def story() -> None:
        server = Double()
        server.add(TOYS, toy.manifest("one"))
        store = Store(TOYS)
        store.replace(*await server.list(TOYS, ""))
        del server.objects[TOYS][Key("default", "one")]
        watch = OwnWatch(server, _login, [store], "", "me", Telemetry())
        sweeps = asyncio.create_task(watch._sweep_while(frozenset({TOYS})))
        for _ in range(20):
            store.doubt()
            await asyncio.sleep(0.02)
        assert not len(store)
        sweeps.cancel()
        await asyncio.gather(sweeps, return_exceptions=True)

    asyncio.run(story())
