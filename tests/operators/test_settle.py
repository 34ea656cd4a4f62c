"""The order of a plan's effects, and what is left when the process dies or the world says no."""

import asyncio
from typing import Any

import pytest

from controllers.plan import FINALIZER
from operators.runtime.errors import Conflict, Forbidden, GatewayError, Invalid, Unavailable
from operators.runtime.merging import difference
from operators.runtime.objects import Key
from tests.operators import toy
from tests.operators.bench import TOYS, Bench, settled, until
from tests.operators.double import Double
from tests.operators.toy import AGAIN, CONFIG_MAP

ONE = Key("default", "one")
FIRST = [
    "finalizers toys/one",
    "status toys/one",
    "data configmaps/one-box",
    "status toys/one",
]


def _server(**spec: Any) -> Double:
    server = Double()
    server.add(TOYS, toy.manifest(**spec))
    server.add(CONFIG_MAP, toy.box())
    return server


def _life(server: Double) -> tuple[Any, ...]:
    """What the world looks like, apart from versions and counts."""
    found = server.objects[TOYS].get(ONE)
    value = server.at(CONFIG_MAP, "one-box")["data"]["value"]
    if found is None:
        return (None, value)
    status = {name: found["status"][name] for name in ("desired", "applied", "reason")}
    meta = found["metadata"]
    return (status, meta.get("finalizers"), meta.get("annotations") or {}, value)


def test_finalizer_then_writes_then_status_and_the_event_last() -> None:
    async def story() -> tuple[list[str], list[str]]:
        server = _server()
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _settled(server))
            await settled(bench)
        return server.writes, bench.events

    writes, events = asyncio.run(story())
    assert writes[:4] == FIRST
    assert events == ["Filled one: the box holds red"]


def test_a_deleted_object_is_undone_before_its_finalizer_goes() -> None:
    async def story() -> tuple[Double, list[str]]:
        server = _server()
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _settled(server))
            await settled(bench)
            before = len(server.writes)
            server.delete(TOYS, ONE)
            await server.wake()
            await until(lambda: ONE not in server.objects[TOYS])
            await settled(bench)
        assert not bench.stores[TOYS].get(*ONE)
        return server, server.writes[before:]

    server, writes = asyncio.run(story())
    assert server.at(CONFIG_MAP, "one-box")["data"]["value"] == ""
    assert writes == ["data configmaps/one-box", "status toys/one", "finalizers toys/one"]


def test_an_annotation_is_used_up_once_after_it_is_on_record() -> None:
    async def story() -> Double:
        server = _server()
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _settled(server))
            server.edit(TOYS, ONE, {"metadata": {"annotations": {AGAIN: "1", "mine": "2"}}})
            await server.wake()
            await until(lambda: AGAIN not in server.at(TOYS, "one")["metadata"]["annotations"])
            await settled(bench)
        return server

    server = asyncio.run(story())
    assert server.at(TOYS, "one")["metadata"]["annotations"] == {"mine": "2"}
    assert server.writes.count("annotations toys/one") == 1


def test_dry_run_explains_in_status_and_does_nothing_else() -> None:
    async def story() -> Double:
        server = _server()
        bench = Bench(server, dry_run=True)
        async with bench.running():
            await until(lambda: server.at(TOYS, "one").get("status"))
            await settled(bench)
        return server

    server = asyncio.run(story())
    assert set(server.writes) == {"status toys/one"}
    assert "finalizers" not in server.at(TOYS, "one")["metadata"]


def test_a_second_process_repeats_no_effect() -> None:
    async def story() -> list[str]:
        server = _server()
        async with (first := Bench(server)).running():
            await until(lambda: _settled(server))
            await settled(first)
        before = len(server.writes)
        async with (second := Bench(server)).running():
            await until(lambda: second.count("ok"))
            await settled(second)
        return [one for one in server.writes[before:] if "status" not in one]

    assert asyncio.run(story()) == []


async def _undisturbed_end(deleting: bool) -> tuple[Any, ...]:
    server = _server()
    await _run_to_end(server, deleting)
    return _life(server)


async def _run_to_end(server: Double, deleting: bool) -> None:
    bench = Bench(server)
    async with bench.running():
        if deleting:
            await until(lambda: ONE not in server.objects[TOYS] or server.dead)
        else:
            await until(lambda: _settled(server) or server.dead)
        if not server.dead:
            await settled(bench)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 5))
def test_killed_around_any_write_the_next_process_ends_where_an_undisturbed_one_does(
    when: str, number: int
) -> None:
    async def story() -> tuple[Any, Any, list[str]]:
        server = _server()
        server.crash = (when, number)
        await _run_to_end(server, deleting=False)
        assert server.dead or number > 4
        server.revive()
        await _run_to_end(server, deleting=False)
        return _life(server), await _undisturbed_end(False), server.writes

    ended, expected, writes = asyncio.run(story())
    assert ended == expected
    assert writes.count("data configmaps/one-box") == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 4))
def test_killed_around_any_write_of_a_deletion_nothing_is_left_behind(
    when: str, number: int
) -> None:
    async def story() -> tuple[Any, ...]:
        server = _server()
        await _run_to_end(server, deleting=False)
        server.delete(TOYS, ONE)
        server._sent = 0
        server.crash = (when, number)
        await _run_to_end(server, deleting=True)
        server.revive()
        await _run_to_end(server, deleting=True)
        return _life(server)

    assert asyncio.run(story()) == (None, "")


@pytest.mark.parametrize(
    "error", [Conflict("changed"), Invalid("no"), Forbidden("no"), Unavailable("gone", 0.1)]
)
@pytest.mark.parametrize("number", range(1, 5))
def test_refused_at_any_write_it_is_decided_again_and_ends_well(
    error: GatewayError, number: int
) -> None:
    async def story() -> tuple[Any, ...]:
        server = _server()
        server.fault = lambda _, sent: error if sent == number else None
        await _run_to_end(server, deleting=False)
        return _life(server)

    status, finalizers, _, value = asyncio.run(story())
    assert (status["applied"], value, finalizers) == ("red", "red", [FINALIZER])


@pytest.mark.parametrize(
    ("error", "told"),
    [(Invalid("spec.http: no"), True), (Forbidden("a policy"), True), (Conflict("changed"), False)],
)
def test_a_write_that_is_turned_down_is_told_and_one_that_came_late_is_not(
    error: GatewayError, told: bool
) -> None:
    async def story() -> list[str]:
        server = _server()
        server.fault = lambda what, _: error if what.startswith("data") else None
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("world") > 0)
        return bench.events

    said = f"WriteRefused one: tried again later: {error}"
    assert asyncio.run(story()) == ([said] if told else [])


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_status_that_is_turned_down_later_is_told_too_but_not_by_a_dry_run(
    dry_run: bool,
) -> None:
    async def story() -> list[str]:
        server = _server(every=0.01, record=False)
        bench = Bench(server, dry_run=dry_run)
        async with bench.running():
            await until(lambda: bench.count("ok") > 5)
            refused: list[str] = []

            def fault(what: str, _: int) -> Exception | None:
                if not what.startswith("status"):
                    return None
                refused.append(what)
                return Invalid("spec.http: no")

            server.fault = fault
            bench.events.clear()
            bench.skew = 61.0
            await until(lambda: refused)
            await asyncio.sleep(0.1)
        return bench.events

    said = ["WriteRefused one: tried again later: spec.http: no"]
    assert asyncio.run(story()) == ([] if dry_run else said)


def test_refused_twice_for_one_version_it_says_that_an_event_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operators.runtime.informer.DOUBTED", 0.01)

    async def story() -> list[int]:
        server = _server()
        bench = Bench(server)
        doubts: list[int] = []
        bench.stores[CONFIG_MAP].on_doubt(lambda: doubts.append(server._sent))
        async with bench.running():
            await until(lambda: _settled(server))
            # Nobody is told of this edit of the box.
            server.edit(CONFIG_MAP, Key("default", "one-box"), {"data": {"value": "lost"}})
            server.history.clear()
            server.edit(TOYS, ONE, {"spec": {"value": "blue"}})
            await server.wake()
            await until(lambda: server.at(CONFIG_MAP, "one-box")["data"]["value"] == "blue", 15)
        return doubts

    assert len(asyncio.run(story())) == 1


def _settled(server: Double) -> bool:
    status = server.at(TOYS, "one").get("status", {})
    return bool(status.get("applied") == server.at(TOYS, "one")["spec"]["value"])


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1, 2]}, {"a": [2]}, {"a": [2]}),
        ({"a": {"b": 1}}, {"a": 3}, {"a": 3}),
    ],
)
def test_a_merge_patch_says_only_what_changes(
    old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]
) -> None:
    assert difference(old, new) == patch
