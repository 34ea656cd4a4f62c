"""CRDs of another version: older turns a kind off, newer is noted, unknown keeps nobody waiting."""

import asyncio
from typing import Any

import pytest

from controllers.api.base import GROUP, VERSION
from operators.runtime import definitions
from operators.runtime.definitions import ALIVE, INDEX, Definitions
from operators.runtime.errors import Forbidden, GatewayError, Unavailable
from operators.runtime.objects import Obj
from tests.operators.bench import until
from tests.operators.toy import API

ALL = ("box", "value", "query", "every", "record", "part", "bug")
STATUS = ("desired", "applied", "looks", "observedGeneration", "answer", "reason", "message")


class Documents:
    """An API server that publishes the toy's schema, with the fields that a test gives it."""

    def __init__(self, *spec: str) -> None:
        self.spec = spec
        self.error: dict[str, GatewayError] = {}
        self.read: list[str] = []

    async def document(self, url: str) -> Obj:
        await asyncio.sleep(0)
        if url in self.error:
            raise self.error[url]
        self.read.append(url)
        address = f"{INDEX}/apis/{GROUP}/{VERSION}?hash={'-'.join(self.spec)}"
        if url == INDEX:
            published = {f"apis/{GROUP}/{VERSION}": {"serverRelativeURL": address}}
            return {"paths": published if self.spec else {}}
        if url == ALIVE:
            return {"major": "1"}
        assert url == address
        return {"components": {"schemas": {"dev.modelyard.Toy": self._schema()}}}

    def _schema(self) -> dict[str, Any]:
        fields = {"spec": self.spec, "status": STATUS}
        return {
            "x-kubernetes-group-version-kind": [
                {"group": GROUP, "version": VERSION, "kind": "Toy"}
            ],
            "properties": {
                part: {"properties": {name: {} for name in names}}
                for part, names in fields.items()
            },
        }  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "AGAIN", 0.01)
    monkeypatch.setattr(definitions, "LOOK", 0.01)


async def looking(server: Documents) -> tuple[Definitions, "asyncio.Task[None]"]:
    one = Definitions(server, [API])
    return one, asyncio.create_task(one.run())


def test_a_kind_whose_crd_lacks_a_field_is_off_until_it_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        server = Documents("box", "value")
        one, task = await looking(server)
        await until(lambda: one.asked)
        assert one.off == {
            "Toy": "its CRD is older than this operator, and lacks spec.bug, spec.every, spec.part"
            " and 2 more: apply the CRDs of this version"
        }
        server.spec = ALL
        await until(lambda: not one.off)
        assert one.notes == {}
        server.spec = ALL[:-1]
        await until(lambda: "spec.bug" in one.off.get("Toy", ""))
        task.cancel()

    asyncio.run(story())
    assert "Toy is off: its CRD is older" in caplog.text


def test_what_only_the_crd_has_is_noted() -> None:
    async def story() -> None:
        one, task = await looking(Documents(*ALL, "colour"))
        await until(lambda: one.asked)
        assert one.off == {}
        assert one.notes == {
            "Toy": "its CRD is newer than this operator, which does not heed spec.colour"
        }
        task.cancel()

    asyncio.run(story())


def test_the_schemas_are_read_again_only_when_they_have_changed() -> None:
    async def story() -> None:
        server = Documents(*ALL)
        _, task = await looking(server)
        await until(lambda: server.read.count(INDEX) > 5)
        assert len(server.read) - server.read.count(INDEX) == 1
        task.cancel()

    asyncio.run(story())


def test_without_a_crd_the_kind_is_off_and_comes_with_it() -> None:
    async def story() -> None:
        server = Documents()
        one, task = await looking(server)
        await until(lambda: one.asked)
        assert "apply its CRD" in one.off["Toy"]
        server.spec = ALL
        await until(lambda: not one.off)
        task.cancel()

    asyncio.run(story())


def test_an_outage_changes_nothing() -> None:
    async def story() -> None:
        server = Documents("box")
        server.error = {INDEX: Unavailable("503"), ALIVE: Unavailable("503")}
        one, task = await looking(server)
        await asyncio.sleep(0.1)
        assert not one.asked
        server.error = {}
        await until(lambda: one.off)
        server.error = {INDEX: Forbidden("the roles are not read yet")}
        await asyncio.sleep(0.1)
        assert "older" in one.off["Toy"]
        task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("alive", [{}, {ALIVE: Forbidden("not even this")}])
@pytest.mark.parametrize("error", [Forbidden("no right to discovery"), Unavailable("500")])
def test_where_schemas_cannot_be_read_the_kinds_work_without(
    error: GatewayError, alive: dict[str, GatewayError]
) -> None:
    async def story() -> None:
        server = Documents("box")
        server.error = {INDEX: error, **alive}
        one, task = await looking(server)
        await until(lambda: one.asked)
        assert one.off == {}
        server.error = {}
        await until(lambda: "older" in one.off.get("Toy", ""))
        task.cancel()

    asyncio.run(story())
