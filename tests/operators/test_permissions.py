"""Missing rights are named verb by verb, turn off the kinds that need them, and are asked again."""

import asyncio

import pytest

from operators.runtime import permissions
from operators.runtime.errors import Forbidden, GatewayError, Unavailable
from operators.runtime.permissions import Need, Permissions
from operators.runtime.process import _needs
from operators.runtime.rights import Right
from operators.runtime.settings import Settings
from tests.operators.bench import until
from tests.operators.toy import TOY

READ, WRITE = Right("list", "", "boxes"), Right("patch", "apps", "toys/scale")
TELL = Right("create", "events.k8s.io", "events")
KINDS = {"Toy": Need((READ, WRITE), "ns"), "Reader": Need((READ,), "ns")}
OTHERS = {"Event": Need((TELL,), "")}


class Server:
    """Where all is granted but what a test takes away."""

    def __init__(self, *taken: Right) -> None:
        self.taken = set(taken)
        self.error: GatewayError | None = None
        self.asked: list[tuple[Right, str]] = []

    async def allowed(self, right: Right, namespace: str) -> bool:
        await asyncio.sleep(0)
        self.asked.append((right, namespace))
        if self.error:
            raise self.error
        return right not in self.taken


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "AGAIN", 0.01)
    monkeypatch.setattr(permissions, "FIRST_WAIT", 0.01)


async def asking(server: Server) -> tuple[Permissions, "asyncio.Task[None]"]:
    one = Permissions(server, KINDS, OTHERS)
    return one, asyncio.create_task(one.run())


def test_a_kind_without_a_right_is_off_and_the_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        server = Server(WRITE)
        one, task = await asking(server)
        await until(lambda: one.asked)
        assert one.off == {"Toy": "no right to patch toys.apps/scale in namespace ns"}
        server.taken |= {READ}
        await until(lambda: len(one.off) == 2)
        both = "no right to list boxes, patch toys.apps/scale in namespace ns"
        assert one.off == {"Toy": both, "Reader": "no right to list boxes in namespace ns"}
        server.taken.clear()
        await until(lambda: not one.off)
        task.cancel()

    asyncio.run(story())
    assert "Toy is off: no right to patch toys.apps/scale" in caplog.text


def test_what_is_shared_is_noted_only() -> None:
    async def story() -> None:
        one, task = await asking(Server(TELL))
        await until(lambda: one.asked)
        assert one.off == {}
        said = "no right to create events.events.k8s.io in all namespaces"
        assert one.notes == {"Event": said}
        task.cancel()

    asyncio.run(story())


def test_with_all_rights_nothing_is_asked_again_until_a_write_is_forbidden() -> None:
    async def story() -> None:
        server = Server()
        one, task = await asking(server)
        await until(lambda: one.asked)
        await asyncio.sleep(0.05)
        assert len(server.asked) == len({READ, WRITE, TELL}), "each right once"
        server.taken |= {WRITE}
        await asyncio.sleep(0.05)
        assert one.off == {}
        one.doubt()
        await until(lambda: "Toy" in one.off)
        task.cancel()

    asyncio.run(story())


def test_an_outage_is_waited_for_and_an_account_that_may_not_ask_is_let_be() -> None:
    async def story() -> None:
        server = Server(WRITE)
        server.error = Unavailable("503")
        one, task = await asking(server)
        await asyncio.sleep(0.05)
        assert not one.asked
        server.error = Forbidden("not even this")
        await until(lambda: one.asked)
        assert one.off == {}
        task.cancel()

    asyncio.run(story())


def test_a_dry_run_by_one_replica_takes_no_right_to_write_but_its_status() -> None:
    kinds, others = _needs(Settings(dry_run=True, leader_elect=False, namespace="ns"), (TOY,))
    assert {name: list(need.rights) for name, need in others.items()} == {"Event": []}
    writes = [str(one) for one in kinds["Toy"].rights if one.verb not in {"list", "watch", "get"}]
    assert writes == ["patch toys.modelyard.dev/status"]
    assert kinds["Toy"].namespace == "ns"
    whole, shared = _needs(Settings(), (TOY,))
    assert Right("patch", "", "configmaps") in whole["Toy"].rights
    assert shared["Lease"].namespace == "modelyard-system"
