"""A write to a subresource: its answer is no object, so only its event reaches the cache."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from controllers.plan import Resource
from operators.runtime import settle
from operators.runtime.objects import Key, Obj
from tests.operators import toy
from tests.operators.bench import TOYS, Bench, settled, until
from tests.operators.double import Double
from tests.operators.toy import CONFIG_MAP

ONE = Key("default", "one")


class Late(Double):
    """A server whose watch on boxes is silent until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()

    async def watch(self, resource: Resource, namespace: str, version: int) -> AsyncIterator[Obj]:
        async for event in super().watch(resource, namespace, version):
            if resource == CONFIG_MAP:
                await self.released.wait()
            yield event


def _set(server: Double) -> None:
    server.add(TOYS, toy.manifest(part="scale"))
    server.add(CONFIG_MAP, toy.box())


def _value(server: Double) -> str:
    return str(server.at(CONFIG_MAP, "one-box")["data"]["value"])


def _applied(server: Double) -> str:
    return str(server.at(TOYS, "one").get("status", {}).get("applied", ""))


def test_the_next_decision_sees_what_the_write_did() -> None:
    async def story() -> tuple[Double, Bench]:
        server = Double()
        _set(server)
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _applied(server) == "red")
            server.edit(TOYS, ONE, {"spec": {"value": "blue"}})
            await server.wake()
            await until(lambda: _applied(server) == "blue")
            await settled(bench)
        return server, bench

    server, bench = asyncio.run(story())
    assert server.writes.count("scale configmaps/one-box") == 2
    assert bench.count("world") == 0
    cached = bench.stores[CONFIG_MAP].get("default", "one-box")
    assert cached == server.at(CONFIG_MAP, "one-box")


def test_decided_on_a_cache_that_is_late_it_is_refused_and_decided_again_when_the_event_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settle, "CATCH_UP", 0.05)

    async def story() -> tuple[Double, Bench]:
        server = Late()
        _set(server)
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _applied(server) == "red")
            server.edit(TOYS, ONE, {"spec": {"value": "blue"}})
            await server.wake()
            await until(lambda: bench.count("world") >= 1)
            assert _value(server) == "red"
            assert _applied(server) == "red", "status claims no write that was refused"
            server.released.set()
            # The queue's own clock stands still from here on: only the event can wake it.
            bench.queue._clock = lambda: 0.0
            await until(lambda: _applied(server) == "blue")
            await settled(bench)
        return server, bench

    server, _ = asyncio.run(story())
    assert _value(server) == "blue"
    assert server.writes.count("scale configmaps/one-box") == 2
