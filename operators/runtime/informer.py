"""Keeps the cache of one kind by list and watch, so that what vanished is noticed too."""

import asyncio
import logging
from collections.abc import Callable

from operators.runtime.access import Gateway
from operators.runtime.errors import Forbidden, GatewayError, NotFound, Unavailable
from operators.runtime.objects import version_of
from operators.runtime.store import Store

FIRST_WAIT = 1.0
LAST_WAIT = 30.0
PATIENCE = 5
"""How often a right that was there may be denied, with growing waits, before it is believed."""
ABSENT_WAIT = 5.0
"""Seconds until a kind that the API server does not serve is asked for again."""
LIST_AGAIN = 1800.0
"""Seconds after which a watch is given up for a list, which finds what no event told."""
DOUBTED = 5.0
"""Seconds from one list to the next that a doubt asks for."""
SHORT = 1.0
"""Seconds within which a watch that brings nothing may not end, or it is no watch."""

_log = logging.getLogger(__name__)


class Informer:
    """The keeper of one ``Store``; ``chance`` gives uniform numbers in [0, 1) for the jitter."""

    def __init__(
        self, gateway: Gateway, store: Store, namespace: str, chance: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._namespace = namespace
        self._chance = chance
        self._failures = 0
        self._denied = 0
        self._listed = 0.0
        self._patience: asyncio.Timeout | None = None
        store.on_doubt(self._doubt)

    async def run(self) -> None:
        """Follows the kind for ever: lists, watches, and lists again where a watch cannot go on.

        And every half hour, or where a writer found that an event was lost.
        """
        while True:
            try:
                await self._follow()
            except (NotFound, Forbidden) as error:
                if self._may_pass(error):
                    await self._back_off(error)
                    continue
                self._withdraw(error)
                await asyncio.sleep(ABSENT_WAIT)
            except GatewayError as error:
                await self._back_off(error)

    async def _follow(self) -> None:
        store = self._store
        objects, version = await self._gateway.list(store.resource, self._namespace, store.keep)
        store.replace(objects, version)
        self._denied = 0
        del objects  # for as long as the watch lasts, they would be held as they were
        self._listed = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(LIST_AGAIN * (1.0 + 0.1 * self._chance())) as self._patience:
                await self._watch(version)
        except TimeoutError:
            _log.debug("%s: listing again", store.resource.plural)
        finally:
            self._patience = None

    async def _watch(self, version: int) -> None:
        """Follows one watch after the other; raises what ends the last one."""
        loop = asyncio.get_running_loop()
        while True:
            began, brought = loop.time(), False
            async for event in self._gateway.watch(self._store.resource, self._namespace, version):
                obj = event["object"]
                version = version_of(obj)
                self._failures, brought = 0, True
                if event["type"] == "DELETED":
                    self._store.discard(obj)
                elif event["type"] in ("ADDED", "MODIFIED"):
                    self._store.apply(obj)
            if not brought and loop.time() - began < SHORT:
                raise Unavailable("the watch ended as soon as it began")

    def _doubt(self) -> None:
        """Gives up the watch soon; a list that is under way needs no other."""
        if self._patience is not None and not self._patience.expired():
            now = asyncio.get_running_loop().time()
            self._patience.reschedule(max(now, self._listed + DOUBTED))

    def _may_pass(self, error: GatewayError) -> bool:
        """An API server that has just begun forbids everything until it has read its roles."""
        self._denied += 1
        known = isinstance(error, Forbidden) and self._store.served
        return known and self._denied <= PATIENCE

    def _withdraw(self, error: GatewayError) -> None:
        resource = self._store.resource
        if isinstance(error, Forbidden):
            why = f"no right to list and watch {resource.plural}.{resource.group}: {error}"
        else:
            why = f"the API server does not serve {resource.plural}.{resource.group}"
        if why != self._store.why:
            _log.warning("%s; it is picked up when that changes", why)
        self._store.withdraw(why)

    async def _back_off(self, error: GatewayError) -> None:
        full = min(LAST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
        self._failures += 1
        asked = error.retry_after if isinstance(error, Unavailable) else 0.0
        delay = max(asked, full * (0.5 + 0.5 * self._chance()))
        _log.warning("%s: %s; again in %.1f s", self._store.resource.plural, error, delay)
        await asyncio.sleep(delay)
