"""Events for people: each told once, its repeats counted."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controllers.plan import Event, Resource
from operators.runtime.access import Gateway
from operators.runtime.errors import GatewayError
from operators.runtime.objects import Obj
from operators.runtime.telemetry import Telemetry

EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
CONTROLLER = "modelyard.dev/operator"

REPEAT = 300.0
"""Seconds within which the same object, reason and message is a repeat."""
TELL_AGAIN = 60.0
"""Seconds between two updates of the count of a repeated event."""
_WAITING = 1000
_NOTE = 1024

_log = logging.getLogger(__name__)


@dataclass
class _Told:
    name: str
    at: float
    written: float
    count: int = 1


class EventRecorder:
    """Takes events without blocking, and writes them in the background with ``run``.

    A full buffer or an API server that refuses costs the event, never the reconcile.
    """

    def __init__(
        self, gateway: Gateway, instance: str, telemetry: Telemetry, clock: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._instance = instance[:128]
        self._telemetry = telemetry
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[Obj, Event]] = asyncio.Queue(_WAITING)
        self._told: dict[tuple[str, str, str], _Told] = {}

    def record(self, obj: Obj, event: Event) -> None:
        """Takes an event about an object."""
        try:
            self._waiting.put_nowait((obj, event))
        except asyncio.QueueFull:
            self._telemetry.events.labels(event.reason, "dropped").inc()

    async def run(self) -> None:
        """Writes what was recorded, for ever."""
        while True:
            await self._next()

    async def drain(self) -> None:
        """Writes what is waiting, and returns."""
        while not self._waiting.empty():
            await self._next()

    async def _next(self) -> None:
        obj, event = await self._waiting.get()
        try:
            result = await self._tell(obj, event)
        except GatewayError as error:
            _log.warning("event %s was not recorded: %s", event.reason, error)
            result = "dropped"
        self._telemetry.events.labels(event.reason, result).inc()

    async def _tell(self, obj: Obj, event: Event) -> str:
        now = self._clock()
        self._told = {key: told for key, told in self._told.items() if now - told.at < REPEAT}
        key = (obj["metadata"]["uid"], event.reason, event.message)
        told = self._told.get(key)
        if told is None:
            created = await self._gateway.create(
                EVENTS, obj["metadata"].get("namespace", "default"), self._body(obj, event)
            )
            self._told[key] = _Told(created["metadata"]["name"], now, now)
            return "sent"
        told.at, told.count = now, told.count + 1
        if now - told.written >= TELL_AGAIN:
            series = {"count": told.count, "lastObservedTime": _micro_time()}
            namespace = obj["metadata"].get("namespace", "default")
            await self._gateway.patch(EVENTS, namespace, told.name, {"series": series})
            told.written = now
        return "counted"

    def _body(self, obj: Obj, event: Event) -> dict[str, Any]:
        meta = obj["metadata"]
        namespace = meta.get("namespace", "default")
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"generateName": f"{meta['name'][:200]}-", "namespace": namespace},
            "eventTime": _micro_time(),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": event.reason,
            "reason": event.reason,
            "type": "Warning" if event.warning else "Normal",
            "note": event.message[:_NOTE],
            "regarding": {
                "apiVersion": obj["apiVersion"],
                "kind": obj["kind"],
                "namespace": meta.get("namespace", ""),
                "name": meta["name"],
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            },
        }


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
