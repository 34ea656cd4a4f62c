"""The loop of one kind: takes every key that is due and brings each to a settled plan."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import ValidationError

from controllers.readings import Answered, Query
from operators.runtime.errors import Fenced, GatewayError, Unavailable
from operators.runtime.kind import AnyKind
from operators.runtime.logs import about
from operators.runtime.objects import Key, Obj, key_of, version_of
from operators.runtime.queue import Queue
from operators.runtime.reconcile import Case, Reconciler
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry

TICK = 5.0
"""Seconds between two signs of life of a loop that has nothing to do."""
BATCH = 256
IN_FLIGHT = 1024
"""Keys that may wait for answers at once: a source that hangs fills this, and no more."""
WRITERS = 16
CLERKS, ROUND = 8, 0.5
"""Statuses that are put on record at one time, and the seconds between two looks for such."""

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Answers queries; never raises and never hangs."""

    async def answer(self, query: Query) -> Answered:
        """The answer, or Missing with FAILED."""
        ...


@dataclass
class _Batch:
    """Keys that were taken at one moment."""

    now: float
    """In unix seconds."""
    began: float
    """The same by the monotonic clock."""
    asked: dict[Query, asyncio.Task[Answered]] = field(default_factory=dict)


class Loop:
    """One kind's loop.

    ``now`` is unix seconds, for decisions; timers run on the queue's clock. ``off`` says why the
    kind does not work now, or nothing.
    """

    def __init__(  # noqa: PLR0913 - the parts that it turns
        self,
        kind: AnyKind,
        store: Store,
        queue: Queue[Key],
        reconciler: Reconciler,
        source: Source,
        telemetry: Telemetry,
        *,
        now: Callable[[], float] = time.time,
        off: Callable[[], str] = lambda: "",
    ) -> None:
        self._kind = kind
        self._name = kind.api.kind
        self._store = store
        self._queue = queue
        self._reconciler = reconciler
        self._source = source
        self._telemetry = telemetry
        self._now = now
        self._off = off
        self._was_off = False
        self._writers = asyncio.Semaphore(WRITERS)
        # Apart, lest a changed spec wait behind a thousand statuses that are due at one instant.
        self._answerers = asyncio.Semaphore(WRITERS)
        self._waiting: dict[Key, asyncio.Future[Literal[True]]] = {}
        store.on_change(self._overtake)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.ticked: float | None = None
        """When the loop last gave a sign of life (monotonic seconds); None before it began."""

    async def run(self) -> None:
        """Works until ``stop``; raises only what is a bug in the loop itself."""
        clerk = asyncio.create_task(self._keep_records())
        frozen = False
        try:
            while not self._stopping:
                self._tick()
                ready = self._ready()
                if ready and not frozen:
                    # Else the garbage collector goes through all that was listed at every tick.
                    gc.freeze()
                    frozen = True
                if ready:
                    self._start(self._queue.take_due(min(BATCH, IN_FLIGHT - self._queue.in_flight)))
                full = self._queue.in_flight >= IN_FLIGHT or not ready
                await (asyncio.sleep(0.1) if full else self._queue.wait(TICK))
        finally:
            clerk.cancel()

    async def stop(self, seconds: float) -> None:
        """Takes no further key and lets the ones in flight end; what is left then is cancelled."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    def _ready(self) -> bool:
        return self._on() and self._store.served and self._reconciler.informed()

    async def _keep_records(self) -> None:
        """Writes what is overdue, apart from the decisions: a thousand of these wait for none."""
        lane = asyncio.Semaphore(CLERKS)
        while True:
            await asyncio.sleep(ROUND)
            if self._ready():
                await asyncio.gather(*(self._record(k, lane) for k in self._reconciler.overdue()))

    async def _record(self, key: Key, lane: asyncio.Semaphore) -> None:
        async with lane:
            # Whoever decides about it meanwhile would do so on a version that is past.
            if not self._queue.hold(key):
                return
            try:
                obj = self._store.get(*key)
                if obj is None:
                    self._reconciler.forget(key)
                else:
                    await self._reconciler.record(obj)
            except GatewayError as error:
                extra = about(self._name, *key, reason="Failed")
                _log.warning("not on record: %s: %s", type(error).__name__, error, extra=extra)
            except Exception:  # noqa: BLE001 - one key's bug must not stop the others
                self._reconciler.forget(key)
                _log.exception("a bug of ours", extra=about(self._name, *key, reason="Failed"))
            finally:
                self._queue.done(key)

    def _on(self) -> bool:
        """Whether the kind works; one that begins to looks at all its objects."""
        was, self._was_off = self._was_off, bool(self._off())
        if was and not self._was_off:
            for obj in self._store.objects():
                self._queue.add(key_of(obj))
        self._telemetry.off.labels(self._name).set(self._was_off)
        return not self._was_off

    def _tick(self) -> None:
        self.ticked = time.monotonic()
        self._telemetry.last_tick.labels(self._name).set_to_current_time()
        self._telemetry.depth.labels(self._name).set(len(self._queue))
        self._telemetry.in_flight.labels(self._name).set(self._queue.in_flight)
        self._telemetry.objects.labels(self._name).set(len(self._store))

    def _start(self, keys: list[Key]) -> None:
        """Sends each distinct query of the batch once; each key waits for its own answers only."""
        batch = _Batch(self._now(), time.monotonic())
        for key in keys:
            obj = self._store.get(*key)
            if obj is None:
                self._queue.forget(key)
                self._reconciler.forget(key)
                self._queue.done(key)
                continue
            task = asyncio.create_task(self._work(key, obj, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, key: Key, obj: Obj, batch: _Batch) -> None:
        try:
            result = await self._guarded(key, obj, batch)
        finally:
            waited = self._queue.waited(key)
            self._queue.done(key)
        self._telemetry.delay.labels(self._name).observe(waited)
        self._telemetry.reconciles.labels(self._name, result).inc()
        self._telemetry.seconds.labels(self._name).observe(time.monotonic() - batch.began)

    async def _guarded(self, key: Key, obj: Obj, batch: _Batch) -> str:
        """One reconcile; whatever it raises is sorted into the world's and ours."""
        extra = about(
            self._name, *key, generation=obj["metadata"].get("generation"), reason="Failed"
        )
        try:
            return await self._reconcile(key, obj, batch)
        except Fenced as error:
            delay = self._queue.retry(key)
            _log.warning("not written: %s; again in %.0f s", error, delay, extra=extra)
            return "fenced"
        except GatewayError as error:
            asked_for = error.retry_after if isinstance(error, Unavailable) else 0.0
            delay = self._queue.retry(key, asked_for)
            _log.warning("%s: %s; again in %.0f s", type(error).__name__, error, delay, extra=extra)
            return "world"
        except ValidationError as error:
            delay = self._queue.retry(key, 60.0)
            _log.error(
                "the status is not what was written: %s; again in %.0f s", error, delay, extra=extra
            )
            return "bug"
        except Exception:  # noqa: BLE001 - one key's bug must not stop the others
            self._queue.retry(key)
            _log.exception("a bug of ours", extra=extra)
            return "bug"

    async def _reconcile(self, key: Key, obj: Obj, batch: _Batch) -> str:
        case = self._reconciler.open(obj, batch.now)
        answers = await self._answers(case, batch.asked)
        lane = self._answerers if case.changed else self._writers
        if not await self._turn(key, lane):
            self._queue.add(key)
            return "changed"
        try:
            # A thousand get their answer at one moment: all else would wait for all of them.
            await asyncio.sleep(0)
            if (fresh := self._store.get(*key)) is None or version_of(fresh) != version_of(obj):
                # Decided on a spec that is past, a write could do what its author just forbade.
                self._queue.add(key)
                return "changed"
            plan = await self._reconciler.close(case, answers, batch.now)
        finally:
            lane.release()
        self._queue.succeeded(key)
        if plan.look_again is not None:
            # Counted from the decision's own time, lest what is due at one instant drift apart.
            self._queue.add_after(key, max(0.0, plan.look_again - (time.monotonic() - batch.began)))
        self._telemetry.decisions.labels(self._name, plan.reason).inc()
        extra = about(self._name, *key, generation=case.meta.generation, reason=plan.reason)
        if plan.writes or plan.events:
            _log.info("%s", plan.events[0].message if plan.events else plan.reason, extra=extra)
        return "refused" if case.spec is None else "ok"

    async def _turn(self, key: Key, lane: asyncio.Semaphore) -> bool:
        """Waits for a place in the lane; False without one where the object changes meanwhile."""
        turn = self._waiting[key] = asyncio.ensure_future(lane.acquire())
        try:
            await asyncio.wait({turn})
        except asyncio.CancelledError:
            turn.cancel()
            raise
        finally:
            del self._waiting[key]
        return not turn.cancelled()

    def _overtake(self, old: Obj | None, new: Obj | None, ours: bool) -> None:
        """What changes need not wait until what it was has had its turn."""
        changed = new or old
        if changed is not None and not ours and (turn := self._waiting.get(key_of(changed))):
            turn.cancel()

    async def _answers(
        self, case: Case, asked: dict[Query, asyncio.Task[Answered]]
    ) -> dict[Query, Answered]:
        for query in case.needs:
            if query not in asked:
                asked[query] = asyncio.create_task(self._source.answer(query))
        answers: dict[Query, Answered] = {}
        for query in case.needs:
            # Shielded, because others may wait for the same answer when one of us is cancelled.
            answers[query] = await asyncio.shield(asked[query])
        return answers
