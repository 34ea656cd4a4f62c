"""The cache's promises: never older than it was, no ghosts, and late kinds picked up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controllers.plan import Resource
from operators.runtime.errors import Forbidden, Gone, Unavailable
from operators.runtime.informer import Informer
from operators.runtime.objects import Key, Obj, slim
from operators.runtime.store import Store
from tests.operators.bench import until
from tests.operators.double import Double

PODS = Resource("", "v1", "pods", "Pod")


def _pod(name: str = "a", version: int = 1, uid: str = "u", **more: Any) -> Obj:
    meta = {"namespace": "n", "name": name, "resourceVersion": str(version), "uid": uid}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta | more}


def _store(*pods: Obj, version: int = 10) -> tuple[Store, list[str]]:
    store = Store(PODS)
    told: list[str] = []

    def tell(old: Obj | None, new: Obj | None, ours: bool) -> None:
        versions = [one["metadata"]["resourceVersion"] if one else "-" for one in (old, new)]
        told.append("->".join(versions) + (" ours" if ours else ""))

    store.on_change(tell)
    store.replace(pods, version)
    return store, told


def _version(store: Store, name: str = "a") -> str:
    found = store.get("n", name)
    return str(found["metadata"]["resourceVersion"]) if found else "none"


def test_the_first_list_is_told_as_a_whole_and_changes_one_by_one() -> None:
    store, told = _store(_pod(version=5))
    assert told == []
    store.apply(_pod(version=6))
    store.discard(_pod(version=7))
    assert told == ["5->6", "6->-"]


def test_events_that_come_late_or_twice_change_nothing() -> None:
    store, told = _store(_pod(version=5))
    for version in (5, 3, 9, 8, 9):
        store.apply(_pod(version=version))
    assert _version(store) == "9"
    assert told == ["5->9"]


def test_versions_are_compared_as_numbers() -> None:
    store, _ = _store(_pod(version=9))
    store.apply(_pod(version=10))
    assert _version(store) == "10"


def test_a_response_to_our_write_is_read_before_its_event_and_told_once() -> None:
    store, told = _store(_pod(version=5))
    store.put(_pod(version=6))
    store.apply(_pod(version=6))
    assert told == ["5->6 ours"]


def test_a_response_brings_nothing_back_that_was_seen_to_go() -> None:
    store, _ = _store(_pod(version=5))
    store.discard(_pod(version=7))
    store.put(_pod(version=6))
    assert _version(store) == "none"


def test_a_response_to_an_object_of_the_same_name_before_does_not_pass_for_it() -> None:
    store, _ = _store(_pod(version=5, uid="new"))
    store.put(_pod(version=6, uid="old"))
    assert _version(store) == "5"


def test_a_deletion_that_comes_late_spares_the_successor() -> None:
    store, _ = _store(_pod(version=5, uid="new"))
    store.discard(_pod(version=4, uid="old"))
    assert _version(store) == "5"


def test_a_list_takes_out_what_vanished_but_not_what_is_newer_than_itself() -> None:
    store, told = _store(_pod("a", 5), _pod("b", 6))
    store.apply(_pod("c", 21))
    store.put(_pod("b", 22))
    store.replace([_pod("b", 6)], version=20)
    assert [_version(store, name) for name in "abc"] == ["none", "22", "21"]
    assert told[-1] == "5->-"


def test_an_index_follows_every_change() -> None:
    store = Store(PODS)
    store.index("node", lambda pod: [pod["metadata"]["node"]])
    store.replace([_pod("a", 1, node="x"), _pod("b", 2, node="x")], 2)
    store.apply(_pod("a", 3, node="y"))
    found = [[one["metadata"]["name"] for one in store.by("node", node)] for node in "xyz"]
    assert found == [["b"], ["a"], []]
    store.discard(_pod("b", 4))
    store.withdraw("gone")
    assert [store.by("node", node) for node in "xyz"] == [[], [], []]


def test_managed_fields_are_not_kept() -> None:
    store, _ = _store()
    store.apply(_pod(managedFields=[{"manager": "kubectl"}]))
    assert "managedFields" not in (store.get("n", "a") or {})["metadata"]


def _add(server: Double, name: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "n", "name": name}}
    server.add(PODS, manifest)


async def _following(server: Double, store: Store) -> asyncio.Task[None]:
    return asyncio.create_task(Informer(server, store, "", lambda: 0.0).run())


def test_what_vanished_while_the_watch_was_cut_leaves_the_cache() -> None:
    async def story() -> None:
        server, store = Double(), Store(PODS)
        for name in "ab":
            _add(server, name)
        task = await _following(server, store)
        await until(lambda: len(store) == 2)
        del server.objects[PODS][Key("n", "a")]
        _add(server, "c")
        await server.cut()
        await until(lambda: store.get("n", "a") is None)
        assert store.get("n", "c")
        task.cancel()

    asyncio.run(story())


def test_a_kind_that_is_not_served_is_named_and_picked_up_when_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operators.runtime.informer.ABSENT_WAIT", 0.01)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        woken: list[bool] = []
        store.on_served(lambda: woken.append(store.served))
        task = await _following(server, store)
        await until(lambda: "does not serve pods" in store.why)
        assert not store.served
        _add(server, "a")
        await until(lambda: store.served)
        assert store.get("n", "a")
        assert woken == [True]
        task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("error", [Unavailable("503"), Forbidden("no")])
def test_an_error_ends_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.runtime.informer.ABSENT_WAIT", 0.01)
    monkeypatch.setattr("operators.runtime.informer.FIRST_WAIT", 0.01)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        _add(server, "a")
        whole = server.list
        failed: list[Resource] = []

        async def broken(
            resource: Resource, namespace: str, keep: Callable[[Obj], Obj] = slim
        ) -> tuple[list[Obj], int]:
            if len(failed) < 3:
                failed.append(resource)
                raise error
            return await whole(resource, namespace, keep)

        server.list = broken  # type: ignore[method-assign]
        task = await _following(server, store)
        await until(lambda: store.get("n", "a"))
        task.cancel()

    asyncio.run(story())


def test_a_right_that_is_denied_for_a_moment_empties_no_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operators.runtime.informer.FIRST_WAIT", 0.005)
    monkeypatch.setattr("operators.runtime.informer.ABSENT_WAIT", 0.01)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        _add(server, "a")
        told: list[bool] = []
        store.on_served(lambda: told.append(store.served))
        task = await _following(server, store)
        await until(lambda: store.served)
        whole, denied = server.list, 0

        async def forbidding(*_: Any) -> tuple[list[Obj], int]:
            nonlocal denied
            denied += 1
            raise Forbidden("roles are not read yet")

        server.list = forbidding  # type: ignore[method-assign, assignment]
        await server.cut()
        await until(lambda: denied == 3)
        assert store.get("n", "a")
        server.list = whole  # type: ignore[method-assign]
        server.revive()
        await asyncio.sleep(0.1)
        assert told == [True]
        server.list = forbidding  # type: ignore[method-assign, assignment]
        await server.cut()
        await until(lambda: not store.served)
        assert "no right to list and watch pods" in store.why
        task.cancel()

    asyncio.run(story())


def test_what_no_event_told_is_found_once_a_writer_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.runtime.informer.DOUBTED", 0.01)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        _add(server, "a")
        task = await _following(server, store)
        await until(lambda: store.served)
        before = _version(store)
        server.edit(PODS, Key("n", "a"), {"spec": {"lost": True}})
        server.history.clear()
        await server.wake()
        await asyncio.sleep(0.05)
        assert _version(store) == before
        store.doubt()
        await until(lambda: _version(store) != before)
        _add(server, "b")
        await server.wake()
        await until(lambda: store.get("n", "b"))
        task.cancel()

    asyncio.run(story())


def test_what_no_event_told_is_found_in_time_without_any_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operators.runtime.informer.LIST_AGAIN", 0.05)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        _add(server, "a")
        task = await _following(server, store)
        await until(lambda: store.served)
        del server.objects[PODS][Key("n", "a")]
        await until(lambda: not len(store))
        task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("error", [None, Gone("compacted")])
def test_watches_that_end_as_they_begin_are_begun_anew_without_hurry(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operators.runtime.informer.FIRST_WAIT", 0.1)

    async def story() -> None:
        server, store = Double(), Store(PODS)
        _add(server, "a")
        watches = 0

        async def watch(*_: Any) -> AsyncIterator[Obj]:
            nonlocal watches
            watches += 1
            if error:
                raise error
            nothing: list[Obj] = []
            for event in nothing:
                yield event

        server.watch = watch  # type: ignore[method-assign, assignment]
        task = await _following(server, store)
        await asyncio.sleep(0.5)
        assert 2 <= watches <= 5
        task.cancel()

    asyncio.run(story())
