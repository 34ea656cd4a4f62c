"""Keeps the caches of our own kinds: kopf's events as they come, and a list to set them right."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from controllers.plan import Resource
from operators.runtime.access import Gateway
from operators.runtime.errors import Forbidden, GatewayError, NotFound, Unavailable
from operators.runtime.gateway import Login
from operators.runtime.kopfing import KopfThread, registry
from operators.runtime.objects import Obj, slim
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry

SWEEP = 600.0
"""Seconds between two lists that find what kopf never told: deletions while it listed anew."""
SOON = 3.0
"""Seconds after the last object of a list of kopf's own until that sweep is made."""
ABSENT = 5.0
"""Seconds until kinds that the API server does not serve, or did not list, are asked for again."""
PATIENCE = 3
"""How often a right that was there may be denied before it is believed."""
LAST_WAIT = 30.0

_log = logging.getLogger(__name__)


class OwnWatch:
    """Watches our own kinds for ever; kopf may end, the watching does not."""

    def __init__(
        self,
        gateway: Gateway,
        login: Callable[[], Coroutine[Any, Any, Login]],
        stores: Sequence[Store],
        namespace: str,
        identity: str,
        telemetry: Telemetry,
    ) -> None:
        self._gateway = gateway
        self._login = login
        self._stores = {store.resource: store for store in stores}
        self._namespace = namespace
        self._identity = identity
        self._telemetry = telemetry
        self._sweep_due = asyncio.Event()
        self._failures = 0
        self._denied: Counter[Resource] = Counter()
        self._doubted = False
        for store in stores:
            store.on_doubt(self._doubt)

    async def run(self) -> None:
        """Lists, then follows, and begins anew with backoff when kopf ends."""
        while True:
            await self._sweep()
            served = self._served()
            if served:
                self._telemetry.watch_restarts.inc()
                await self._follow(served)
            else:
                await asyncio.sleep(ABSENT)

    async def _follow(self, served: frozenset[Resource]) -> None:
        """One run of kopf; ends with it, or when other kinds are served than at its start."""
        loop = asyncio.get_running_loop()

        def sink(resource: Resource, kind: str | None, obj: Obj) -> None:
            """In kopf's thread. Most of what it lists is known from our own list just before."""
            if kind is None and not self._sweep_due.is_set():
                loop.call_soon_threadsafe(self._sweep_due.set)
            if kind is not None or not self._stores[resource].knows(obj):
                loop.call_soon_threadsafe(self._take, resource, kind, slim(obj))

        async def login() -> Login:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._login(), loop))

        # kopf finds out by itself what is served, at its start only, and that may have changed.
        self._sweep_due.set()
        began = loop.time()
        thread = KopfThread(registry(served, login, sink), self._namespace, self._identity)
        kopf = asyncio.create_task(thread.run())
        sweeps = asyncio.create_task(self._sweep_while(served))
        try:
            await asyncio.wait((kopf, sweeps), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = kopf.done()
            for task in (kopf, sweeps):
                task.cancel()
            await asyncio.gather(kopf, sweeps, return_exceptions=True)
        if ended:
            await self._back_off(thread.error, loop.time() - began)

    async def _back_off(self, error: BaseException | None, lasted: float) -> None:
        self._failures = 0 if lasted > 60.0 else self._failures + 1
        delay = min(LAST_WAIT, 2.0 ** min(self._failures, 10) / 2)
        _log.warning("kopf ended (%s), begun anew in %.1f s", error or "no error", delay)
        await asyncio.sleep(delay)

    def _take(self, resource: Resource, kind: str | None, obj: Obj) -> None:
        store = self._stores[resource]
        if kind == "DELETED":
            store.discard(obj)
        elif store.served:
            store.apply(obj)

    async def _sweep_while(self, served: frozenset[Resource]) -> None:
        while self._served() == served:
            absent = len(served) < len(self._stores)
            try:
                async with asyncio.timeout(ABSENT if absent else SWEEP):
                    await self._sweep_due.wait()
                    await self._quiet()
            except TimeoutError:
                pass
            self._doubted = False
            await self._sweep()

    async def _quiet(self) -> None:
        """Until kopf has read its list to the end, which may take minutes; a doubt cannot wait."""
        while self._sweep_due.is_set():
            self._sweep_due.clear()
            await asyncio.sleep(SOON)
            if self._doubted:
                return

    def _doubt(self) -> None:
        self._doubted = True
        self._sweep_due.set()

    async def _sweep(self) -> None:
        for store in self._stores.values():
            try:
                found = await self._gateway.list(store.resource, self._namespace, store.keep)
                store.replace(*found)
                self._denied[store.resource] = 0
            except (NotFound, Forbidden) as error:
                if self._may_pass(store, error):
                    self._sweep_again(store, error)
                else:
                    self._withdraw(store, error)
            except GatewayError as error:
                self._sweep_again(store, error)

    def _may_pass(self, store: Store, error: GatewayError) -> bool:
        """An API server that has just begun forbids everything until it has read its roles."""
        self._denied[store.resource] += 1
        known = isinstance(error, Forbidden) and store.served
        return known and self._denied[store.resource] <= PATIENCE

    def _sweep_again(self, store: Store, error: GatewayError) -> None:
        delay = max(ABSENT, error.retry_after if isinstance(error, Unavailable) else 0.0)
        what = store.resource.plural
        _log.warning("%s were not listed: %s; again in %.0f s", what, error, delay)
        asyncio.get_running_loop().call_later(delay, self._sweep_due.set)

    def _withdraw(self, store: Store, error: GatewayError) -> None:
        name = f"{store.resource.plural}.{store.resource.group}"
        if isinstance(error, Forbidden):
            why = f"no right to list and watch {name}: {error}"
        else:
            why = f"the API server does not serve {name}: apply its CRD"
        if why != store.why:
            _log.warning("%s; it is picked up when that changes", why)
        store.withdraw(why)

    def _served(self) -> frozenset[Resource]:
        return frozenset(one for one, store in self._stores.items() if store.served)
