"""What the runtime asks of the API server, and the fence before every write."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Protocol

from controllers.plan import Resource
from operators.runtime.errors import Fenced, Forbidden, GatewayError
from operators.runtime.objects import Obj, slim
from operators.runtime.telemetry import Telemetry

DEADLINE = 5.0
"""Seconds a call may take; with the lease's own times this is what fencing rests on."""


class Gateway(Protocol):
    """What the runtime asks of the API server; every method raises a GatewayError."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """The object as it is."""
        ...

    async def list(
        self, resource: Resource, namespace: str, keep: Callable[[Obj], Obj] = slim
    ) -> tuple[list[Obj], int]:
        """All objects (of the namespace, if not empty), and the version they are consistent at.

        ``keep`` says what to hold for each as it arrives, so that no long list is there in full.
        """
        ...

    def watch(self, resource: Resource, namespace: str, version: int) -> AsyncIterator[Obj]:
        """The events since a version; ends now and then, raises Gone where it cannot continue."""
        ...

    async def create(self, resource: Resource, namespace: str, body: Mapping[str, Any]) -> Obj:
        """The new object; Conflict if it is there already."""
        ...

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> Obj:
        """The object after a merge patch; Conflict if it names a resourceVersion that is past."""
        ...


class FencedGateway:
    """A gateway that sends no write unless the lease outlives the write's deadline.

    ``forbidden`` is called when the API server says that our account may not make one.
    """

    def __init__(
        self,
        inner: Gateway,
        remaining: Callable[[], float],
        telemetry: Telemetry,
        forbidden: Callable[[], None] = lambda: None,
    ) -> None:
        self._inner = inner
        self._remaining = remaining
        self._telemetry = telemetry
        self._forbidden = forbidden
        self.get = inner.get
        self.list = inner.list
        self.watch = inner.watch

    async def create(self, resource: Resource, namespace: str, body: Mapping[str, Any]) -> Obj:
        """As ``Gateway`` promises, or Fenced."""
        return await self._send(resource, self._inner.create(resource, namespace, body))

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> Obj:
        """As ``Gateway`` promises, or Fenced."""
        call = self._inner.patch(resource, namespace, name, patch, subresource=subresource)
        return await self._send(resource, call)

    async def _send(self, resource: Resource, call: Coroutine[Any, Any, Obj]) -> Obj:
        result = "ok"
        try:
            left = self._remaining()
            if left <= DEADLINE:
                raise Fenced(
                    f"the lease is ours for {left:.1f} s, and a write may take {DEADLINE:.1f} s"
                )
            return await call
        except GatewayError as error:
            result = type(error).__name__
            if isinstance(error, Forbidden):
                self._forbidden()
            raise
        finally:
            call.close()
            self._telemetry.writes.labels(resource.kind, result).inc()
