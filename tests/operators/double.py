"""An API server in memory: versions, the status subresource, finalizers, and faults on demand."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from controllers.plan import Resource
from operators.runtime.errors import Conflict, Gone, Invalid, NotFound
from operators.runtime.objects import Key, Obj, key_of, slim


class CrashError(BaseException):
    """The process died here; a BaseException, so that no code under test catches it."""


class Double:
    """Objects by kind and key, and a log of the writes in the order in which they landed."""

    def __init__(self) -> None:
        self.objects: dict[Resource, dict[Key, Obj]] = {}
        self.writes: list[str] = []
        self.version = 0
        self.history: list[tuple[int, Resource, Obj]] = []
        self.compacted = 0
        self.fault: Callable[[str, int], Exception | None] = lambda _call, _number: None
        """Called before each write with its name and number from 1; an error is raised instead."""
        self.crash: tuple[str, int] | None = None
        """("before" | "after", n): dies around the n-th write, and stays dead."""
        self.dead = False
        self._sent = 0
        self._changed = asyncio.Condition()

    def serve(self, resource: Resource) -> None:
        self.objects.setdefault(resource, {})

    def add(self, resource: Resource, manifest: Mapping[str, Any]) -> Obj:
        """As a user's ``kubectl create``."""
        self.serve(resource)
        obj: Obj = copy.deepcopy(dict(manifest))
        obj["metadata"] |= {"uid": f"uid-{self.version}", "generation": 1}
        return self._land(resource, "ADDED", obj)

    def edit(self, resource: Resource, key: Key, patch: Mapping[str, Any]) -> Obj:
        """As a user's ``kubectl patch``."""
        obj = copy.deepcopy(self.objects[resource][key])
        _merge(obj, patch)
        obj["metadata"]["generation"] += "spec" in patch
        return self._land(resource, "MODIFIED", obj)

    def delete(self, resource: Resource, key: Key) -> None:
        """As a user's ``kubectl delete``."""
        obj = copy.deepcopy(self.objects[resource][key])
        obj["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self._land(resource, "MODIFIED", obj)

    def at(self, resource: Resource, name: str, namespace: str = "default") -> Obj:
        return self.objects[resource][Key(namespace, name)]

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        await asyncio.sleep(0)
        return copy.deepcopy(self._find(resource, Key(namespace, name)))

    async def list(
        self, resource: Resource, namespace: str, keep: Callable[[Obj], Obj] = slim
    ) -> tuple[list[Obj], int]:
        await asyncio.sleep(0)
        if resource not in self.objects:
            raise NotFound(resource.plural)
        found = self.objects[resource].values()
        return [
            keep(copy.deepcopy(one)) for one in found if namespace in ("", key_of(one).namespace)
        ], self.version

    async def watch(self, resource: Resource, namespace: str, version: int) -> AsyncIterator[Obj]:
        if version < self.compacted:
            raise Gone("too old")
        sent = version
        while True:
            for at, of, event in list(self.history):
                if at > sent and of == resource and namespace in ("", _space(event)):
                    sent = at
                    if event["type"] == "ERROR":
                        raise Gone("cut")
                    yield copy.deepcopy(event)
            async with self._changed:
                await self._changed.wait()

    async def cut(self) -> None:
        """Ends every watch; what happened meanwhile is never told to them."""
        self.compacted = self.version
        for resource in self.objects:
            self.version += 1
            self.history.append((self.version, resource, {"type": "ERROR", "object": {}}))
        self.compacted = self.version
        await self.wake()

    def revive(self) -> None:
        """The next process starts, and lives."""
        self.crash, self.dead = None, False

    async def wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def create(self, resource: Resource, _namespace: str, body: Mapping[str, Any]) -> Obj:
        name = f"create {resource.plural}/{body['metadata'].get('name')}"
        return await self._write(name, lambda: self._create(resource, body))

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> Obj:
        what = f"{subresource or _what(patch)} {resource.plural}/{name}"
        key = Key(namespace, name)
        return await self._write(what, lambda: self._patch(resource, key, patch, subresource))

    async def _write(self, call: str, act: Callable[[], Obj]) -> Obj:
        await asyncio.sleep(0)
        self._sent += 1
        if error := self.fault(call, self._sent):
            raise error
        self.dead = self.dead or self.crash == ("before", self._sent)
        if self.dead:
            raise CrashError
        written = act()
        self.writes.append(call)
        await self.wake()
        if self.crash == ("after", self._sent):
            self.dead = True
            raise CrashError
        return copy.deepcopy(written)

    def _create(self, resource: Resource, body: Mapping[str, Any]) -> Obj:
        meta = body["metadata"]
        named = {"name": f"{meta.get('generateName')}{self.version}", **meta}
        if Key(named.get("namespace", ""), named["name"]) in self.objects.get(resource, {}):
            raise Conflict("already exists")
        return self.add(resource, {**body, "metadata": named})

    def _patch(
        self, resource: Resource, key: Key, patch: Mapping[str, Any], subresource: str
    ) -> Obj:
        old = self._find(resource, key)
        meta = patch.get("metadata", {})
        if (
            meta.get("resourceVersion", old["metadata"]["resourceVersion"])
            != (old["metadata"]["resourceVersion"])
        ):
            raise Conflict("the object has been modified")
        if "status" in patch and subresource != "status" and resource.group == "modelyard.dev":
            raise Invalid("status is a subresource")
        obj = copy.deepcopy(old)
        _merge(obj, {"status": patch["status"]} if subresource == "status" else patch)
        if obj != old:
            obj = self._land(resource, "MODIFIED", obj)
        return _scale(obj) if subresource == "scale" else obj

    def _find(self, resource: Resource, key: Key) -> Obj:
        try:
            return self.objects[resource][key]
        except KeyError:
            raise NotFound(f"{resource.plural} {key.name} not found") from None

    def _land(self, resource: Resource, kind: str, obj: Obj) -> Obj:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        meta = obj["metadata"]
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            kind = "DELETED"
            self.objects[resource].pop(key_of(obj), None)
        else:
            self.objects[resource][key_of(obj)] = obj
        self.history.append((self.version, resource, {"type": kind, "object": obj}))
        return obj


def _scale(obj: Obj) -> Obj:
    """What the server answers to a write of the subresource: no object of the kind itself."""
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": dict(obj["metadata"])}


def _merge(into: Obj, patch: Mapping[str, Any]) -> None:
    for name, value in patch.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, Mapping):
            if not isinstance(into.get(name), dict):
                into[name] = {}
            _merge(into[name], value)
        elif name != "resourceVersion":
            into[name] = copy.deepcopy(value)


def _space(event: Obj) -> str:
    """The namespace of an event; what is no object concerns everybody."""
    return str(event["object"].get("metadata", {}).get("namespace", ""))


def _what(patch: Mapping[str, Any]) -> str:
    meta = patch.get("metadata", {})
    parts = [part for part in ("finalizers", "annotations") if part in meta]
    parts += [part for part in patch if part != "metadata"]
    return "+".join(parts)
