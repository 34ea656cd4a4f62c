"""The loop's promises: queries once, nobody blocked, bugs contained, copies checkpointed."""

import asyncio
from typing import Any

import pytest

from controllers.routing.istio import VIRTUAL_SERVICE
from operators.runtime.errors import Conflict, Fenced, Unavailable
from operators.runtime.loop import ROUND, WRITERS
from operators.runtime.objects import Key, Obj
from operators.runtime.reconcile import AGAIN
from tests.operators import toy
from tests.operators.bench import TOYS, Bench, settled, until
from tests.operators.double import Double
from tests.operators.toy import CONFIG_MAP, ToyStatus


def _server(**toys: dict[str, Any]) -> Double:
    server = Double()
    server.serve(CONFIG_MAP)
    for name, spec in toys.items():
        server.add(TOYS, toy.manifest(name, **spec))
        server.add(CONFIG_MAP, toy.box(name))
    return server


def _applied(server: Double, name: str) -> str:
    return str(server.at(TOYS, name).get("status", {}).get("applied", ""))


def test_a_query_that_many_share_is_sent_once_for_a_batch() -> None:
    async def story() -> list[str]:
        server = _server(**{f"t{n}": {"query": "up"} for n in range(50)})
        bench = Bench(server)
        bench.answers.slow["up"] = asyncio.Event()
        async with bench.running():
            await until(lambda: bench.queue.in_flight == 50 and bench.answers.asked)
            return list(bench.answers.asked)

    assert asyncio.run(story()) == ["up"]


def test_a_query_that_hangs_holds_up_only_those_who_asked_it() -> None:
    async def story() -> None:
        server = _server(stuck={"query": "slow"}, quick={"query": "fast"}, none={})
        bench = Bench(server)
        bench.answers.slow["slow"] = asyncio.Event()
        async with bench.running():
            await until(lambda: _applied(server, "quick") and _applied(server, "none"))
            assert not _applied(server, "stuck")
            server.edit(TOYS, Key("default", "quick"), {"spec": {"value": "blue"}})
            await server.wake()
            await until(lambda: _applied(server, "quick") == "blue")
            bench.answers.slow.pop("slow").set()
            await until(lambda: _applied(server, "stuck"))

    asyncio.run(story())


def test_a_spec_that_changed_while_its_query_ran_is_decided_anew_before_any_write() -> None:
    async def story() -> None:
        server = _server(one={"query": "slow"})
        bench = Bench(server)
        bench.answers.slow["slow"] = asyncio.Event()
        async with bench.running():
            await until(lambda: bench.answers.asked)
            server.edit(TOYS, Key("default", "one"), {"spec": {"value": "blue", "query": ""}})
            await server.wake()
            stored = bench.stores[TOYS]
            await until(lambda: (stored.get("default", "one") or {})["spec"]["value"] == "blue")
            bench.answers.slow.pop("slow").set()
            await until(lambda: _applied(server, "one") == "blue")
        assert bench.count("changed") == 1

    asyncio.run(story())


def test_a_kind_that_is_off_writes_nothing_and_looks_at_all_once_it_is_on() -> None:
    async def story() -> None:
        server = _server(one={}, two={})
        bench = Bench(server)
        bench.off = "no right"
        async with bench.running():
            await settled(bench)
            assert server.writes == []
            assert bench.telemetry.off.labels("Toy")._value.get() == 1
            bench.off = ""
            await until(lambda: _applied(server, "one") and _applied(server, "two"))
            await settled(bench)
            bench.off = "no right"
            await until(lambda: bench.telemetry.off.labels("Toy")._value.get() == 1, seconds=10)
            written = len(server.writes)
            server.edit(TOYS, Key("default", "one"), {"spec": {"value": "blue"}})
            await server.wake()
            await asyncio.sleep(0.2)
            assert len(server.writes) == written
            bench.off = ""
            await until(lambda: _applied(server, "one") == "blue")

    asyncio.run(story())


def test_a_bug_on_one_object_is_counted_and_leaves_the_others_alone() -> None:
    async def story() -> None:
        server = _server(broken={"bug": True}, good={})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _applied(server, "good") and bench.count("bug") >= 2)
        assert "status" not in server.at(TOYS, "broken")

    asyncio.run(story())


def test_a_spec_that_does_not_parse_is_refused_once_and_waits_for_its_author() -> None:
    async def story() -> None:
        server = _server(one={"value": 7})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: server.at(TOYS, "one").get("status"))
            await settled(bench)
            said = server.at(TOYS, "one")["status"]
            assert said["reason"] == "InvalidSpec"
            assert said["message"].startswith("spec.value: ")
            assert server.writes == ["status toys/one"]
            assert bench.count("refused") == 1
            server.edit(TOYS, Key("default", "one"), {"spec": {"value": "seven"}})
            await server.wake()
            await until(lambda: _applied(server, "one") == "seven")

    asyncio.run(story())


def test_a_status_that_is_not_ours_is_never_overwritten() -> None:
    async def story() -> list[str]:
        server = _server(one={})
        server.edit(TOYS, Key("default", "one"), {"status": {"looks": "many"}})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("bug"))
            await settled(bench)
        return server.writes

    assert asyncio.run(story()) == []


def test_a_status_that_can_be_recomputed_stays_in_memory_until_the_checkpoint() -> None:
    async def story() -> None:
        server = _server(one={"every": 0.01, "record": False})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("ok") > 20)
            written = server.writes.count("status toys/one")
            recorded = server.at(TOYS, "one")["status"]["looks"]
            assert written <= 3
            bench.skew = 61.0
            await until(lambda: server.at(TOYS, "one")["status"]["looks"] > recorded + 10)

    asyncio.run(story())


def test_a_status_comes_on_record_at_its_time_though_nobody_looks_again() -> None:
    async def story() -> None:
        server = _server(one={"every": 3600.0, "record": False})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.reconciler._copies)
            looks = bench.count("ok")
            refused: list[str] = []

            def fault(call: str, _: int) -> Exception | None:
                if call == "status toys/one" and not refused:
                    refused.append(call)
                    return Unavailable("planted")
                return None

            server.fault = fault
            bench.skew = 61.0
            await until(lambda: refused)
            assert bench.reconciler._copies, "what was not written is kept"
            bench.skew = 61.0 + AGAIN
            await until(lambda: not bench.reconciler._copies)
            assert server.at(TOYS, "one")["status"]["looks"] == looks
            assert bench.count("ok") == looks

    asyncio.run(story())


def test_while_a_status_is_being_recorded_nobody_decides_on_what_it_replaces() -> None:
    async def story() -> None:
        server = _server(one={"every": 0.01, "record": False})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("ok") > 20)
            begun, gate, patch = asyncio.Event(), asyncio.Event(), server.patch

            async def slow(*args: Any, **more: Any) -> Obj:
                begun.set()
                await gate.wait()
                return await patch(*args, **more)

            server.patch = slow  # type: ignore[method-assign]
            bench.skew = 61.0
            await asyncio.wait_for(begun.wait(), 30.0)
            assert bench.queue.in_flight == 0, "a record is no reconcile"
            looks = bench.count("ok")
            await asyncio.sleep(0.1)
            assert bench.count("ok") == looks, "decided beside the write"
            gate.set()
            await until(lambda: bench.count("ok") > looks + 3)
            assert bench.count("world") == 0, "a write was refused for the one beside it"

    asyncio.run(story())


def test_a_conflict_drops_the_copy_in_memory_and_the_recorded_status_counts() -> None:
    async def story() -> None:
        server = _server(one={"every": 0.01, "record": False})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("ok") > 20)
            conflicts: list[float] = []

            def fault(call: str, _: int) -> Exception | None:
                if call == "status toys/one" and not conflicts:
                    conflicts.append(bench.count("ok"))
                    return Conflict("planted")
                return None

            server.fault = fault
            recorded = server.at(TOYS, "one")["status"]["looks"]
            bench.skew = 61.0
            await until(lambda: conflicts)
            done = conflicts[0]
            await until(lambda: bench.count("ok") > done + 3)
            copy = bench.reconciler._copies[Key("default", "one")].status
            assert isinstance(copy, ToyStatus)
            # A decision is counted a little after its status is here.
            assert copy.looks - recorded <= bench.count("ok") - done + 1

    asyncio.run(story())


def test_what_was_in_memory_never_replaces_a_newer_status_that_is_on_record() -> None:
    async def story() -> list[int]:
        server = _server(one={"every": 3600.0, "record": False})
        bench, looks, patch = Bench(server), list[int](), server.patch

        async def noted(*args: Any, **more: Any) -> Obj:
            became = await patch(*args, **more)
            looks.append(server.at(TOYS, "one").get("status", {}).get("looks", 0))
            return became

        async with bench.running():
            await until(lambda: bench.reconciler._copies)
            server.patch = noted  # type: ignore[method-assign]
            # The status is written, and what comes after it fails.
            server.fault = lambda call, _: (
                Unavailable("planted") if call.startswith("annotations") else None
            )
            server.edit(
                TOYS, Key("default", "one"), {"metadata": {"annotations": {toy.AGAIN: "1"}}}
            )
            await server.wake()
            await until(lambda: bench.count("world"))
            bench.skew = 61.0  # By now a copy in memory would be due.
            await asyncio.sleep(2 * ROUND)
        return looks

    looks = asyncio.run(story())
    assert looks
    assert looks == sorted(looks)


def test_objects_at_rest_cost_nothing() -> None:
    async def story() -> None:
        server = _server(one={}, two={})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _applied(server, "one") and _applied(server, "two"))
            await settled(bench)
            before = bench.count("ok")
            bench.skew = 86400.0
            await asyncio.sleep(0.1)
            assert bench.count("ok") == before

    asyncio.run(story())


def test_a_box_that_comes_later_wakes_who_waits_for_it() -> None:
    async def story() -> None:
        server = Double()
        server.add(TOYS, toy.manifest())
        bench = Bench(server)
        async with bench.running():
            await until(lambda: server.at(TOYS, "one").get("status"))
            assert server.at(TOYS, "one")["status"]["reason"] == "NoBox"
            server.add(CONFIG_MAP, toy.box())
            await server.wake()
            # Absent kinds are asked for every few seconds.
            await until(lambda: _applied(server, "one"), seconds=15)

    asyncio.run(story())


def test_a_write_that_the_fence_holds_back_is_tried_again() -> None:
    async def story() -> None:
        server = _server(one={})
        server.fault = lambda _, sent: Fenced("the lease ends") if sent == 1 else None
        bench = Bench(server)
        async with bench.running():
            await until(lambda: _applied(server, "one"))
        assert bench.count("fenced") == 1

    asyncio.run(story())


def test_a_server_that_asks_to_be_left_alone_is_left_alone() -> None:
    async def story() -> None:
        server = _server(one={})
        server.fault = lambda _, __: Unavailable("429", retry_after=30.0)
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("world"))
            bench.skew = 29.0
            await asyncio.sleep(0.05)
            assert bench.count("world") == 1

    asyncio.run(story())


def test_an_object_that_is_gone_unnoticed_leaves_the_cache_at_the_first_write() -> None:
    async def story() -> None:
        server = _server(one={})
        bench = Bench(server)
        bench.stores[TOYS].replace([server.at(TOYS, "one")], server.version)
        bench.stores[CONFIG_MAP].replace([server.at(CONFIG_MAP, "one-box")], server.version)
        bench.stores[VIRTUAL_SERVICE].withdraw("not served")
        del server.objects[TOYS][Key("default", "one")]
        task = asyncio.create_task(bench.loop.run())
        await until(lambda: bench.count("world"))
        await until(lambda: not len(bench.stores[TOYS]))
        await bench.loop.stop(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_stopping_lets_the_write_in_flight_end_and_takes_nothing_more() -> None:
    async def story() -> None:
        server = _server(one={"query": "slow"}, two={})
        bench = Bench(server)
        bench.answers.slow["slow"] = asyncio.Event()
        async with bench.running():
            await until(lambda: _applied(server, "two"))
            asyncio.get_running_loop().call_later(0.05, bench.answers.slow["slow"].set)
            await bench.loop.stop(5.0)
            assert server.at(TOYS, "one")["status"]["desired"] == "red"
            assert not _applied(server, "one")

    asyncio.run(story())


@pytest.mark.parametrize("waits", [False, True], ids=["at rest", "itself in that queue"])
def test_a_changed_spec_does_not_wait_behind_statuses_that_hang(waits: bool) -> None:
    async def story() -> None:
        server = _server(one={}, **{f"t{n}": {} for n in range(WRITERS)})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: all(_applied(server, key.name) for key in server.objects[TOYS]))
            release, patch = asyncio.Event(), server.patch
            hanging = 0

            async def slow(*at: Any, **how: Any) -> Obj:
                nonlocal hanging
                if at[2] != "one" and not release.is_set():
                    hanging += 1
                    await release.wait()
                return await patch(*at, **how)

            server.patch = slow  # type: ignore[method-assign]
            for name in (*(f"t{n}" for n in range(WRITERS)), *(["one"] if waits else [])):
                server.edit(CONFIG_MAP, Key("default", f"{name}-box"), {"data": {"value": "x"}})
            await server.wake()
            await until(lambda: hanging == WRITERS and bench.queue.in_flight == WRITERS + waits)
            server.edit(TOYS, Key("default", "one"), {"spec": {"value": "blue"}})
            await server.wake()
            await until(lambda: server.at(TOYS, "one")["status"]["desired"] == "blue")
            release.set()

    asyncio.run(story())


def test_statuses_that_may_stay_in_memory_are_not_all_written_at_one_time() -> None:
    async def story() -> int:
        names = [f"t{n}" for n in range(30)]
        server = _server(**{name: {"every": 0.05, "record": False} for name in names})
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("ok") > 5 * len(names))
            before = server.writes.copy()
            bench.skew = 20.0
            await asyncio.sleep(3 * ROUND)
        return len(set(server.writes[len(before) :]))

    assert 0 < asyncio.run(story()) < 30
