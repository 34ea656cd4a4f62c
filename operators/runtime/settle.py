"""Carries out a plan, each step guarded by the version that the step before left behind."""

from collections.abc import Callable
from typing import Any

from controllers.api.base import Model
from controllers.plan import FINALIZER, Event, Plan, Resource
from operators.runtime.access import Gateway
from operators.runtime.errors import NotFound
from operators.runtime.merging import difference
from operators.runtime.objects import Obj
from operators.runtime.world import World

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

    async def settle(self, obj: Obj, plan: Plan[Any], *, record: bool) -> None:
        """Does what the plan says, in the order its docstring promises.

        Status is written if ``record`` and it differs. The first error ends it: what was done stays
        done, and what was not is decided again from what the world then is.
        """
        if self._dry_run:
            if record:
                await self._status(obj, plan.status)
            return
        if plan.finalizer:
            obj = await self._add_finalizer(obj)
        for write in plan.writes:
            version = {"resourceVersion": write.resource_version}
            patch = {**write.patch, "metadata": {**write.patch.get("metadata", {}), **version}}
            written = await self._gateway.patch(write.resource, write.namespace, write.name, patch)
            self._world.store(write.resource).put(written)
        if record:
            obj = await self._status(obj, plan.status)
        for event in plan.events:
            self._record(obj, event)
        await self._release(obj, plan)

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
            written = await self._gateway.patch(
                self._resource, namespace, name, guarded, subresource=subresource
            )
        except NotFound:
            self._world.store(self._resource).discard(obj)
            raise
        self._world.store(self._resource).put(written)
        return written
