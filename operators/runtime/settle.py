"""Carries out a plan, each step guarded by the version that the step before left behind."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from controllers.api.base import Model
from controllers.plan import FINALIZER, Event, Plan, Resource, Write
from operators.runtime.access import Gateway
from operators.runtime.errors import Conflict, Forbidden, Invalid, NotFound
from operators.runtime.merging import difference
from operators.runtime.objects import Obj
from operators.runtime.store import Store
from operators.runtime.world import World

CATCH_UP = 1.0
"""Seconds for which a plan waits until the caches show what it wrote to subresources."""
LOOKS = 50
"""How often it looks meanwhile."""

Recorder = Callable[[Obj, Event], None]
"""Takes an event about an object; never blocks and never fails."""


class Settler:
    """Obeys plans for one kind of ours."""

    def __init__(
        self,
        gateway: Gateway,
        world: World,
        resource: Resource,
        recorder: Recorder,
        *,
        dry_run: bool = False,
    ) -> None:
        self._gateway = gateway
        self._world = world
        self._resource = resource
        self._record = recorder
        self._dry_run = dry_run
        self._refused: dict[tuple[Resource, str, str], str] = {}
        """The version at which a write to an object was last refused as past."""

    async def settle(self, obj: Obj, plan: Plan[Any], *, record: bool) -> None:
        """Does what the plan says, in the order its docstring promises.

        Status is written if ``record`` and it differs. The first error ends it: what was done stays
        done, and what was not is decided again from what the world then is.
        """
        if self._dry_run:
            if record:
                await self._status(obj, plan.status)
            return
        with self._telling(obj):
            await self._carry_out(obj, plan, record=record)

    async def record(self, obj: Obj, status: Model) -> None:
        """Writes a status that differs from the object's, and does nothing else."""
        with self._telling(obj):
            await self._status(obj, status)

    @contextmanager
    def _telling(self, obj: Obj) -> Iterator[None]:
        """Tells of a write that the API server or a policy of it turns down, maybe for ever."""
        try:
            yield
        except (Invalid, Forbidden) as error:
            if not self._dry_run:
                self._record(
                    obj, Event("WriteRefused", f"tried again later: {error}", warning=True)
                )
            raise

    async def _carry_out(self, obj: Obj, plan: Plan[Any], *, record: bool) -> None:
        if plan.finalizer:
            obj = await self._add_finalizer(obj)
        written = [await self._write(write) for write in plan.writes]
        if record:
            obj = await self._status(obj, plan.status)
        for event in plan.events:
            self._record(obj, event)
        await self._release(obj, plan)
        for write, answer in zip(plan.writes, written, strict=True):
            if write.subresource:
                await self._catch_up(self._world.store(write.resource), answer)

    async def _write(self, write: Write) -> Obj:
        version = {"resourceVersion": write.resource_version}
        patch = {**write.patch, "metadata": {**write.patch.get("metadata", {}), **version}}
        written = await self._send(
            write.resource, write.namespace, write.name, patch, write.subresource
        )
        if not write.subresource:  # else the answer is of another shape than the object
            self._world.store(write.resource).put(written)
        return written

    async def _catch_up(self, store: Store, written: Obj) -> None:
        """Waits for the event of a write, lest the next decision take its own write for another's.

        For a moment only: where the watch is late, what is decided on the past is refused by the
        server for its resourceVersion, and decided again.
        """
        for _ in range(LOOKS):
            if store.knows(written):
                return
            await asyncio.sleep(CATCH_UP / LOOKS)

    async def _add_finalizer(self, obj: Obj) -> Obj:
        meta = obj["metadata"]
        held = meta.get("finalizers", [])
        # The API server lets nobody add a finalizer to an object that is being deleted.
        if FINALIZER in held or "deletionTimestamp" in meta:
            return obj
        return await self._patch(obj, {"metadata": {"finalizers": [*held, FINALIZER]}})

    async def _status(self, obj: Obj, status: Model) -> Obj:
        change = difference(obj.get("status") or {}, status.wire())
        if not change:
            return obj
        return await self._patch(obj, {"status": change}, "status")

    async def _release(self, obj: Obj, plan: Plan[Any]) -> None:
        """Takes off what has served its purpose: annotations, and our finalizer."""
        meta = obj["metadata"]
        patch: dict[str, Any] = {}
        spent = plan.spent & set(meta.get("annotations") or {})
        if spent:
            patch["annotations"] = dict.fromkeys(sorted(spent))
        held = meta.get("finalizers", [])
        if not plan.finalizer and FINALIZER in held:
            patch["finalizers"] = [one for one in held if one != FINALIZER]
        if patch:
            await self._patch(obj, {"metadata": patch})

    async def _patch(self, obj: Obj, patch: dict[str, Any], subresource: str = "") -> Obj:
        meta = obj["metadata"]
        guarded = {**patch, "metadata": {
            **patch.get("metadata", {}), "resourceVersion": meta["resourceVersion"],
        }}  # fmt: skip
        namespace, name = meta.get("namespace", ""), meta["name"]
        try:
            written = await self._send(self._resource, namespace, name, guarded, subresource)
        except NotFound:
            self._world.store(self._resource).discard(obj)
            raise
        self._world.store(self._resource).put(written)
        return written

    async def _send(
        self, resource: Resource, namespace: str, name: str, patch: dict[str, Any], subresource: str
    ) -> Obj:
        """A write that names the version it was decided on.

        Refused twice for the same one, it tells the cache that the event of a newer one was lost.
        """
        key, version = (resource, namespace, name), patch["metadata"]["resourceVersion"]
        before = self._refused.pop(key, None)
        try:
            return await self._gateway.patch(
                resource, namespace, name, patch, subresource=subresource
            )
        except Conflict:
            self._refused[key] = version
            if before == version:
                self._world.store(resource).doubt()
            raise
