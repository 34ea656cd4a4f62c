"""kopf, set up for one thing: watching our own kinds without ever writing."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import kopf

from controllers.plan import Resource
from operators.runtime.gateway import Login
from operators.runtime.objects import Obj

GROUP_PREFIX = "modelyard.dev"

Sink = Callable[[Resource, str | None, Obj], None]
"""Takes an event's resource, type (None: from a list) and object."""


class _Endless:
    """Delays between tries that never run out, because an outage must not end the watches."""

    def __iter__(self) -> Iterator[float]:
        delay = 1.0
        while True:
            yield delay * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret
            delay = min(15.0, 2.0 * delay)


class _NoDifference(kopf.DiffBaseStorage):
    """No comparison with what was handled before, which only handlers of changes would need.

    Kopf would copy each object for it at each event, a third of all that an event costs.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def store(self, **_: Any) -> None:
        """Nothing."""


def settings() -> kopf.OperatorSettings:
    """Kopf's settings for production; most of its defaults hide an outage or wait too long."""
    one = kopf.OperatorSettings()
    # kopf takes its own finalizer off whatever it watches, so it must not be named as ours is.
    one.persistence.finalizer = f"{GROUP_PREFIX}/kopf"
    one.persistence.progress_storage = kopf.AnnotationsProgressStorage(
        prefix=GROUP_PREFIX, v1=False
    )
    one.persistence.diffbase_storage = _NoDifference()
    one.peering.standalone = True
    # What is served is found out by our own lists, which takes no right to read CRDs.
    one.scanning.disabled = True
    one.watching.server_timeout = 290
    one.watching.client_timeout = 320
    one.watching.connect_timeout = 10
    one.watching.inactivity_timeout = 70
    one.watching.reconnect_backoff = 1.0
    one.watching.chunk_size = 500
    one.networking.request_timeout = 30
    one.networking.connect_timeout = 5
    one.networking.error_backoffs = _Endless()
    # A worker waits that long for its object's next event, and a list makes one for each object:
    # with kopf's 5 s ten thousand of them, and 100 MiB, are there at once.
    one.queueing.idle_timeout = 0.2
    one.queueing.exit_timeout = 1
    one.queueing.error_delays = (1, 2, 5, 10, 30, 60)
    one.posting.enabled = False
    one.posting.loggers = False
    # It would kill the whole process, which outlives any one run of kopf.
    one.process.ultimate_exiting_timeout = None
    return one


def registry(
    resources: Iterable[Resource], login: Callable[[], Awaitable[Login]], sink: Sink
) -> kopf.OperatorRegistry:
    """Handlers that pass every event of these kinds to ``sink``, and log in as our gateway does."""
    one = kopf.OperatorRegistry()

    @kopf.on.login(registry=one)
    async def connect(**_: Any) -> kopf.ConnectionInfo:
        found = await login()
        return kopf.ConnectionInfo(
            server=found.server,
            ca_path=found.ca,
            insecure=found.insecure,
            scheme="Bearer" if found.token else None,
            token=found.token,
            certificate_path=found.certificate,
            private_key_path=found.key,
        )

    for resource in resources:
        _watch(one, resource, sink)
    return one


def _watch(one: kopf.OperatorRegistry, resource: Resource, sink: Sink) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, registry=one)
    async def take(event: Any, **_: Any) -> None:
        sink(resource, event["type"], event["object"])


class KopfThread:
    """One run of kopf in a thread of its own.

    A thread, because kopf cancels every task of its event loop when it ends, and because its work
    on thousands of events must not delay the renewal of the lease.
    """

    def __init__(self, one: kopf.OperatorRegistry, namespace: str, identity: str) -> None:
        self._registry = one
        self._namespace = namespace
        self._identity = identity
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)
        self._stopping = threading.Event()
        self._stop: Callable[[], object] = self._stopping.set
        self.error: BaseException | None = None
        """What ended it, if it was not cancelled."""

    async def run(self) -> None:
        """Returns when kopf has ended, for whatever reason; stops it when cancelled."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._thread.start()
        try:
            await self._ended.wait()
        finally:
            with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended
                self._stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._operate())
        except Exception as error:  # noqa: BLE001 - whatever ends it, it is begun anew
            self.error = error
        finally:
            with contextlib.suppress(RuntimeError):  # our own loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._ended.set)

    async def _operate(self) -> None:
        # Not a flag of threads: kopf would wait for it in a thread, and end only after that.
        flag = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(flag.set)
        if self._stopping.is_set():
            return
        where: dict[str, Any] = (
            {"namespaces": [self._namespace]} if self._namespace else {"clusterwide": True}
        )
        await kopf.operator(
            registry=self._registry,
            settings=settings(),
            # Without one kopf asks for the user's name, and a container may have none.
            identity=kopf_identity(self._identity),
            stop_flag=flag,
            **where,
        )


def kopf_identity(text: str) -> Any:
    """Our identity in kopf's type, which it does not export."""
    return text
