"""Nothing is decided before the first lists: what is not listed yet is not missing."""

import asyncio
from collections.abc import Callable

from controllers.plan import Resource
from operators.runtime.objects import Obj, slim
from tests.operators import toy
from tests.operators.bench import TOYS, Bench, until
from tests.operators.double import Double
from tests.operators.toy import CONFIG_MAP


class Slow(Double):
    """A server whose list of one kind takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = asyncio.Event()

    async def list(
        self, resource: Resource, namespace: str, keep: Callable[[Obj], Obj] = slim
    ) -> tuple[list[Obj], int]:
        if resource == CONFIG_MAP:
            await self.listed.wait()
        return await super().list(resource, namespace, keep)


def test_an_object_is_not_decided_about_while_what_it_needs_is_not_listed_yet() -> None:
    async def story() -> None:
        server = Slow()
        server.add(TOYS, toy.manifest("one"))
        server.add(CONFIG_MAP, toy.box("one"))
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.stores[TOYS].served and len(bench.queue) == 1)
            await asyncio.sleep(0.3)
            assert bench.count("ok") == 0
            assert bench.loop.ticked is not None
            server.listed.set()
            await until(lambda: server.at(TOYS, "one").get("status", {}).get("applied"))

    asyncio.run(story())


def test_a_kind_that_the_api_server_does_not_serve_is_known_to_be_missing_and_waited_for_no_longer(
) -> None:  # fmt: skip
    async def story() -> None:
        server = Double()
        server.add(TOYS, toy.manifest("one"))
        bench = Bench(server)
        async with bench.running():
            await until(lambda: bench.count("ok") > 0)
            assert not bench.stores[CONFIG_MAP].served

    asyncio.run(story())
