"""One operator process from start to stop."""

import asyncio
import logging
import os
import random
import signal
import socket
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from controllers.plan import Resource
from operators.runtime import checks, health, wakes
from operators.runtime.access import FencedGateway
from operators.runtime.definitions import Definitions
from operators.runtime.events import EventRecorder
from operators.runtime.gateway import Hook, KubeGateway
from operators.runtime.informer import Informer
from operators.runtime.kind import AnyKind
from operators.runtime.lease import Elector, LeaseLostError
from operators.runtime.loop import Loop, Source
from operators.runtime.objects import Key, Trim
from operators.runtime.permissions import Need, Permissions
from operators.runtime.queue import Queue
from operators.runtime.reconcile import Reconciler
from operators.runtime.rights import EVENT_RULES, LEASE_RULES, Right, Rule, rights
from operators.runtime.settings import Settings
from operators.runtime.settle import Settler
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry
from operators.runtime.watching import OwnWatch
from operators.runtime.world import World

STOP = 5.0
"""Seconds for what is in flight when the process is told to stop."""

_log = logging.getLogger(__name__)


class Process:
    """All parts of one process, wired; ``run`` is its life."""

    def __init__(
        self,
        settings: Settings,
        kinds: Sequence[AnyKind],
        gateway: KubeGateway,
        source: Source,
        telemetry: Telemetry,
    ) -> None:
        self._settings = settings
        self._kinds = kinds
        self._gateway = gateway
        self._source = source
        self._telemetry = telemetry
        self._identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
        self._elector = Elector(
            gateway,
            settings.lease_namespace,
            settings.lease_name,
            self._identity,
            clock=time.monotonic,
            sleep=asyncio.sleep,
        )
        self._permissions = Permissions(gateway, *_needs(settings, kinds))
        self._definitions = Definitions(gateway, [kind.api for kind in kinds])
        self._checks = (self._permissions, self._definitions)
        fenced = FencedGateway(gateway, self._remaining, telemetry, self._permissions.doubt)
        self._own = [Store(kind.api.resource) for kind in kinds]
        self._others = [Store(resource, trim) for resource, trim in _watched(kinds).items()]
        world = World({store.resource: store for store in (*self._own, *self._others)})
        self._recorder = EventRecorder(fenced, self._identity, telemetry, time.monotonic)
        self._loops = [self._loop(kind, world, fenced) for kind in kinds]
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Serves until told to stop; the process's exit code."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop.set)
        runner = await health.serve(self._health().application(), self._settings.listen)
        try:
            return await self._serve()
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(runner.cleanup(), 1.0)

    def stop(self) -> None:
        """Ends ``run`` as the signal of a kubelet does."""
        self._stop.set()

    async def _serve(self) -> int:
        """Watches from the start, so that a standby is warm; acts only as the leader."""
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._stop.wait(), name="stop signal")
        ]
        tasks += [
            asyncio.create_task(
                Informer(self._gateway, store, self._settings.namespace, random.random).run(),
                name=store.resource.plural,
            )
            for store in self._others
        ]
        watch = OwnWatch(
            self._gateway, self._gateway.login, self._own, self._settings.namespace,
            self._identity, self._telemetry,
        )  # fmt: skip
        tasks.append(asyncio.create_task(watch.run(), name="own kinds"))
        tasks.append(asyncio.create_task(self._permissions.run(), name="rights"))
        tasks.append(asyncio.create_task(self._definitions.run(), name="CRDs"))
        leader = asyncio.create_task(self._lead(), name="leader")
        tasks.append(leader)
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        code = self._exit_code(done)
        if code == 0:
            await self._finish(leader)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.5)
        return code

    async def _lead(self) -> None:
        if self._settings.leader_elect:
            _log.info("standing by as %s", self._identity)
            await self._elector.acquire()
        _log.info("leading as %s", self._identity)
        self._telemetry.leader.set(1)
        async with asyncio.TaskGroup() as group:
            if self._settings.leader_elect:
                group.create_task(self._elector.keep())
            group.create_task(self._recorder.run())
            for loop in self._loops:
                group.create_task(loop.run())

    async def _finish(self, leader: asyncio.Task[None]) -> None:
        """The write in flight ends, then the lease is given up, so that a standby acts at once."""
        await asyncio.gather(*(loop.stop(STOP) for loop in self._loops))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.drain(), 1.0)
        leader.cancel()  # else it might renew what is being released
        await asyncio.wait([leader], timeout=0.5)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._elector.release(), 2.0)
        self._telemetry.leader.set(0)
        _log.info("stopped")

    def _exit_code(self, done: set[asyncio.Task[Any]]) -> int:
        for task in done:
            error = task.exception()
            if isinstance(error, BaseExceptionGroup):
                lost = error.subgroup(LeaseLostError)
                if lost is not None:
                    _log.error("ending, because %s", lost.exceptions[0])
                    return 1
            if error is not None:
                _log.error("ending, because %s failed", task.get_name(), exc_info=error)
                return 1
        return 0

    def _remaining(self) -> float:
        return self._elector.remaining() if self._settings.leader_elect else float("inf")

    def _loop(self, kind: AnyKind, world: World, fenced: FencedGateway) -> Loop:
        queue: Queue[Key] = Queue(time.monotonic, random.random)
        wakes.connect(kind, world, queue)
        settler = Settler(
            fenced, world, kind.api.resource, self._recorder.record, dry_run=self._settings.dry_run
        )
        reconciler = Reconciler(kind, world, settler, self._settings.checkpoint, time.monotonic)
        store = world.store(kind.api.resource)
        return Loop(
            kind,
            store,
            queue,
            reconciler,
            self._source,
            self._telemetry,
            off=lambda: checks.off(self._checks, kind.api.kind),
        )

    def _health(self) -> health.Health:
        return health.Health(
            {kind.api.kind: loop for kind, loop in zip(self._kinds, self._loops, strict=True)},
            {store.resource.kind: store for store in self._own},
            {store.resource.kind: store for store in self._others},
            self._telemetry,
            lambda: self._remaining() > 0,
            checks=self._checks,
        )


def _needs(settings: Settings, kinds: Sequence[AnyKind]) -> tuple[dict[str, Need], dict[str, Need]]:
    """The rights that each kind takes, and those that all of them share."""

    def need(rules: Iterable[Rule]) -> Need:
        used = [right for right in rights(rules) if _reads(right) or not settings.dry_run]
        return Need(used, settings.namespace)

    shared = {"Event": need(EVENT_RULES)}
    if settings.leader_elect:
        shared["Lease"] = Need(rights(LEASE_RULES), settings.lease_namespace)
    return {kind.api.kind: need(kind.all_rules) for kind in kinds}, shared


def _reads(right: Right) -> bool:
    """Whether a dry run uses it, too."""
    return right.verb in {"get", "list", "watch"} or right.resource.endswith("/status")


def _watched(kinds: Sequence[AnyKind]) -> dict[Resource, Trim]:
    """The kinds that are watched and not our own, and what is kept of their objects.

    ValueError if two watches of one do not agree on that.
    """
    own = {kind.api.resource for kind in kinds}
    trims: dict[Resource, Trim] = {}
    for watch in (watch for kind in kinds for watch in kind.watches):
        if watch.resource in own:
            continue
        if trims.setdefault(watch.resource, watch.trim) is not watch.trim:
            raise ValueError(f"two watches keep different parts of {watch.resource.plural}")
    return trims


async def serve(
    settings: Settings, kinds: Sequence[AnyKind], source: Source, telemetry: Telemetry,
    hook: Hook | None = None,
) -> int:  # fmt: skip
    """Runs the operator for these kinds until it is told to stop; the exit code.

    ValueError if nothing says how to reach the API server; OSError if the port is taken.
    """
    gateway = await KubeGateway.connect(settings.kubeconfig, hook)
    try:
        return await Process(settings, kinds, gateway, source, telemetry).run()
    finally:
        await gateway.close()


def leave(code: int) -> None:
    """Ends the process without waiting for threads that hang in a dead connection."""
    logging.shutdown()
    os._exit(code)
