"""Which rights our account lacks, asked of the API server before they are needed."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from operators.runtime.checks import AGAIN
from operators.runtime.errors import Forbidden, GatewayError
from operators.runtime.rights import Right

AT_ONCE = 8
"""Questions that are under way at one time."""
FIRST_WAIT = 1.0
"""Seconds after a question without an answer, doubled up to those of a right that is missing."""

Asked = tuple[Right, str]
"""A right, and the namespace in which; empty: in all of them."""

_log = logging.getLogger(__name__)


class Asks(Protocol):
    """Where an account may ask for its own rights."""

    async def allowed(self, right: Right, namespace: str) -> bool:
        """Whether our account has the right in that namespace; empty: in all of them."""
        ...


@dataclass(frozen=True)
class Need:
    """Rights that are needed together."""

    rights: Sequence[Right]
    namespace: str
    """Where; empty: in all namespaces."""

    def lacking(self, has: Mapping[Asked, bool]) -> str:
        """What is missing of it, verb by verb; empty: nothing."""
        missing = [str(right) for right in self.rights if not has[right, self.namespace]]
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"no right to {', '.join(missing)} {where}" if missing else ""


class Permissions:
    """A ``Check``: a kind whose rights are not complete is off until they are.

    They are asked for at the start, whenever a write is forbidden, and again while one is missing.
    What is needed by no single kind (events, the lease) is noted only.
    """

    def __init__(
        self, gateway: Asks, kinds: Mapping[str, Need], others: Mapping[str, Need]
    ) -> None:
        self._gateway = gateway
        self._kinds = kinds
        self._others = others
        self._doubted = asyncio.Event()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.asked = False
        self.off: dict[str, str] = {}
        self.notes: dict[str, str] = {}

    def doubt(self) -> None:
        """A write was forbidden: asks again soon."""
        self._doubted.set()

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            self._doubted.clear()
            self._take(await self._look())
            await asyncio.sleep(AGAIN)
            if not (self.off or self.notes):
                await self._doubted.wait()

    async def _look(self) -> dict[Asked, bool]:
        """Every right that is needed, with whether we have it; an outage is waited for."""
        needs = (*self._kinds.values(), *self._others.values())
        left = {(right, need.namespace) for need in needs for right in need.rights}
        has: dict[Asked, bool] = {}
        delay = FIRST_WAIT
        while True:
            found = dict(zip(left, await asyncio.gather(*map(self._ask, left)), strict=True))
            has |= {one: answer for one, answer in found.items() if isinstance(answer, bool)}
            left -= has.keys()
            if not left:
                return has
            _log.warning("our rights are not known yet: %s", found[next(iter(left))])
            await asyncio.sleep(delay)
            delay = min(AGAIN, 2.0 * delay)

    async def _ask(self, asked: Asked) -> bool | GatewayError:
        async with self._turn:
            try:
                return await self._gateway.allowed(*asked)
            except Forbidden as error:
                # Every account may ask by default. One that may not is not kept from its work.
                _log.warning("%s is taken for granted: %s", asked[0], error)
                return True
            except GatewayError as error:
                return error

    def _take(self, has: Mapping[Asked, bool]) -> None:
        off = {name: why for name, need in self._kinds.items() if (why := need.lacking(has))}
        notes = {name: why for name, need in self._others.items() if (why := need.lacking(has))}
        for kind, why in off.items():
            if self.off.get(kind) != why:
                _log.error("%s is off: %s; it goes on once they are granted", kind, why)
        for kind in self.off.keys() - off.keys():
            _log.info("%s has its rights, and goes on", kind)
        for name, why in notes.items():
            if self.notes.get(name) != why:
                _log.warning("%s: %s", name, why)
        self.asked, self.off, self.notes = True, off, notes
