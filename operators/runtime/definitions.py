"""Whether the CRDs that the API server has are those of this version."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from controllers.api.base import GROUP, VERSION, Crd
from operators.runtime import facts
from operators.runtime.checks import AGAIN
from operators.runtime.errors import GatewayError, Unavailable
from operators.runtime.objects import Obj

LOOK = 60.0
"""Seconds between two looks at CRDs that let every kind work."""
INDEX = "/openapi/v3"
"""Where the API server says what it serves, to every account: it takes no right to read CRDs."""
ALIVE = "/version"
PATIENCE = 3
"""How often the schemas may fail to be read before the kinds work without a comparison."""
_SHOWN = 3

_log = logging.getLogger(__name__)


class Documents(Protocol):
    """Where what the API server publishes can be read."""

    async def document(self, url: str) -> Obj:
        """The JSON at a path of the API server."""
        ...


class Definitions:
    """A ``Check``: a kind whose CRD lacks what this version writes or reads is off.

    The API server would drop it without a word. What only the CRD has is noted, and not heeded.
    """

    def __init__(self, gateway: Documents, crds: Sequence[Crd]) -> None:
        self._gateway = gateway
        self._wanted = {crd.kind: _wanted(crd) for crd in crds}
        self._url = ""
        self.asked = False
        self.off: dict[str, str] = {}
        self.notes: dict[str, str] = {}

    async def run(self) -> None:
        """Looks for ever."""
        failures = 0
        while True:
            try:
                await self._look()
            except GatewayError as error:
                _log.warning("the CRDs are not compared: %s", error)
                failures += 1
                if not self.asked and failures >= PATIENCE and await self._answers():
                    # Better than to serve nothing where schemas may not be read, or are broken.
                    _log.warning("each CRD is taken for this version's until it is compared")
                    self.asked = True
            await asyncio.sleep(LOOK if self.asked and not self.off else AGAIN)

    async def _answers(self) -> bool:
        """Whether the API server is there: what it keeps to itself now, it may keep for ever."""
        try:
            await self._gateway.document(ALIVE)
        except Unavailable:
            return False
        except GatewayError:
            return True
        return True

    async def _look(self) -> None:
        """Reads the schemas, unless they have the address, with its hash, of those read before."""
        index = await self._gateway.document(INDEX)
        if not isinstance(index.get("paths"), dict):
            raise Unavailable(f"GET {INDEX}: the answer is no index: {str(index)[:80]}")
        entry = index["paths"].get(f"apis/{GROUP}/{VERSION}") or {}
        url = str(entry.get("serverRelativeURL", ""))
        if self.asked and url == self._url:
            return
        self._take(served(await self._gateway.document(url)) if url else {})
        self._url = url

    def _take(self, schemas: Mapping[str, facts.Node]) -> None:
        off: dict[str, str] = {}
        notes: dict[str, str] = {}
        for kind, wanted in self._wanted.items():
            given = _given(schemas.get(kind, {}))
            if older := facts.lacking(wanted, given):
                off[kind] = (
                    f"its CRD is older than this operator, and lacks {_some(older)}: apply the CRDs"
                    " of this version"
                    if given
                    else "the API server has no schema of it yet: apply its CRD"
                )
            elif newer := facts.lacking(given, wanted):
                notes[kind] = (
                    f"its CRD is newer than this operator, which does not heed {_some(newer)}"
                )
        self._tell(off, notes, schemas)
        self.asked, self.off, self.notes = True, off, notes

    def _tell(
        self, off: Mapping[str, str], notes: Mapping[str, str], there: Mapping[str, Any]
    ) -> None:
        for kind, why in off.items():
            if kind in there and self.off.get(kind) != why:  # else the watch says what is missing
                _log.error("%s is off: %s; it goes on once that is done", kind, why)
        for kind in self.off.keys() - off.keys():
            _log.info("%s has a CRD that it can work with", kind)
        for kind, why in notes.items():
            if self.notes.get(kind) != why:
                _log.warning("%s: %s", kind, why)


def served(document: Mapping[str, Any]) -> dict[str, facts.Node]:
    """The schemas of a published document of our group, by kind."""
    found: dict[str, facts.Node] = {}
    for schema in document.get("components", {}).get("schemas", {}).values():
        for one in schema.get("x-kubernetes-group-version-kind", ()):
            if (one["group"], one["version"]) == (GROUP, VERSION):
                found[one["kind"]] = schema
    return found


def _wanted(crd: Crd) -> frozenset[str]:
    parts = {"spec": crd.spec, "status": crd.status}
    return frozenset(name + fact for name, part in parts.items() for fact in facts.of_model(part))


def _given(schema: facts.Node) -> frozenset[str]:
    parts = schema.get("properties", {})
    return frozenset(
        name + fact for name in ("spec", "status") for fact in facts.of_schema(parts.get(name, {}))
    )


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
