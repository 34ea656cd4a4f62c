"""One kind's runtime on the double: caches, queue and loop, without kopf and without a lease."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from controllers.plan import Event
from controllers.readings import Answer, Answered, Query
from controllers.routing.istio import VIRTUAL_SERVICE
from operators.runtime import wakes
from operators.runtime.informer import Informer
from operators.runtime.kind import AnyKind
from operators.runtime.loop import Loop
from operators.runtime.objects import Key, Obj
from operators.runtime.queue import Queue
from operators.runtime.reconcile import Reconciler
from operators.runtime.settle import Settler
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry
from operators.runtime.world import World
from tests.operators.double import Double
from tests.operators.toy import API, CONFIG_MAP, TOY

TOYS = API.resource


class Answers:
    """A source that counts what it is asked and may take its time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow: dict[str, asyncio.Event] = {}

    async def answer(self, query: Query) -> Answered:
        self.asked.append(query.text)
        if query.text in self.slow:
            await self.slow[query.text].wait()
        return Answer(())


class Bench:
    def __init__(self, server: Double, *, kind: AnyKind = TOY, dry_run: bool = False) -> None:
        self.server = server
        self.answers = Answers()
        self.events: list[str] = []
        self.telemetry = Telemetry()
        self.clock = time.monotonic
        self.skew = 0.0
        resources = (TOYS, CONFIG_MAP, VIRTUAL_SERVICE)
        self.stores = {resource: Store(resource) for resource in resources}
        self.world = World(self.stores)
        self.queue: Queue[Key] = Queue(self.later, lambda: 0.0)
        wakes.connect(kind, self.world, self.queue)
        settler = Settler(server, self.world, TOYS, self._record, dry_run=dry_run)
        self.reconciler = Reconciler(kind, self.world, settler, 60.0, self.later)
        self.off = ""
        """Why the kind does not work."""
        self.loop = Loop(
            kind,
            self.stores[TOYS],
            self.queue,
            self.reconciler,
            self.answers,
            self.telemetry,
            off=lambda: self.off,
        )

    def later(self) -> float:
        """The monotonic clock, as far ahead as a test has moved it."""
        return time.monotonic() + self.skew

    def _record(self, obj: Obj, event: Event) -> None:
        self.events.append(f"{event.reason} {obj['metadata']['name']}: {event.message}")

    def count(self, result: str) -> float:
        return float(self.telemetry.reconciles.labels("Toy", result)._value.get())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        # A planted death is no news.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        informers = [
            Informer(self.server, store, "", lambda: 0.0) for store in self.stores.values()
        ]
        tasks = [asyncio.create_task(one.run()) for one in informers]
        tasks.append(asyncio.create_task(self.loop.run()))
        try:
            yield
        finally:
            await self.loop.stop(0.0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Waits until something holds; AssertionError where it does not in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.005)


async def settled(bench: Bench, quiet: float = 0.05) -> None:
    """Waits until nothing is due, nothing in flight and nothing was written for a moment."""
    before, since = -1, time.monotonic()
    end = since + 5.0
    while True:
        now = bench.server.version + len(bench.queue) + bench.queue.in_flight
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > quiet and not bench.queue.in_flight:
            return
        assert time.monotonic() < end, "it did not come to rest"
        await asyncio.sleep(0.005)
