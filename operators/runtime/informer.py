"""Keeps the cache of one kind by list and watch, so that what vanished is noticed too."""

import asyncio
import logging
from collections.abc import Callable

from operators.runtime.access import Gateway
from operators.runtime.errors import Forbidden, GatewayError, Gone, NotFound, Unavailable
from operators.runtime.objects import version_of
from operators.runtime.store import Store

FIRST_WAIT = 1.0
LAST_WAIT = 30.0
PATIENCE = 5
"""How often a right that was there may be denied, with growing waits, before it is believed."""
ABSENT_WAIT = 5.0
"""Seconds until a kind that the API server does not serve is asked for again."""

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

    async def run(self) -> None:
        """Follows the kind for ever: lists, watches, and lists again where a watch cannot go on."""
        while True:
            try:
                await self._follow()
            except Gone:
                _log.info("%s: the watch is too old, listing again", self._store.resource.plural)
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
        while True:
            async for event in self._gateway.watch(self._store.resource, self._namespace, version):
                obj = event["object"]
                version = version_of(obj)
                self._failures = 0
                if event["type"] == "DELETED":
                    self._store.discard(obj)
                elif event["type"] in ("ADDED", "MODIFIED"):
                    self._store.apply(obj)

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
