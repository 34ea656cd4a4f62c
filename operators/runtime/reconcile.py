"""One object's way through observe, decide and settle, and what is remembered between two."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from controllers.api.base import Model
from controllers.plan import FINALIZER, Meta, Plan
from controllers.readings import Answered, Query
from operators.runtime.errors import Conflict, GatewayError
from operators.runtime.kind import AnyKind
from operators.runtime.objects import Key, Obj, key_of, meta_of
from operators.runtime.settle import Settler
from operators.runtime.world import World

AGAIN = 5.0
"""Seconds from a checkpoint that was not written to the next attempt."""


@dataclass
class _Copy:
    """A status that is ahead of the recorded one."""

    uid: str
    status: Model
    recorded: Any
    """What it is ahead of: once something else is on record, that counts."""
    due: float
    """When it is to be on record, by the monotonic clock."""
    generation: int
    spec: Model | None
    """As that generation of it was parsed."""


@dataclass(frozen=True)
class Case:
    """One object as it is decided about: parsed, or why it could not be."""

    obj: Obj
    meta: Meta
    spec: Model | None
    status: Model
    problem: str
    needs: tuple[Query, ...]

    @property
    def changed(self) -> bool:
        """Whether the recorded status speaks of another spec: somebody waits for the answer."""
        recorded = (self.obj.get("status") or {}).get("observedGeneration")
        return bool(recorded != self.meta.generation)


class Reconciler:
    """Opens cases and closes them with a settled plan; keeps working copies of statuses."""

    def __init__(
        self,
        kind: AnyKind,
        world: World,
        settler: Settler,
        checkpoint: float,
        clock: Callable[[], float],
    ) -> None:
        self._kind = kind
        self._world = world
        self._settler = settler
        self._checkpoint = checkpoint
        self._clock = clock
        self._copies: dict[Key, _Copy] = {}

    def informed(self) -> bool:
        """Whether it is known of every kind that is watched what there is of it, or that it is not.

        Before that, what is only not listed yet would be taken for missing.
        """
        return all(self._world.store(watch.resource).asked for watch in self._kind.watches)

    def open(self, obj: Obj, now: float) -> Case:
        """Parses the object and says what must be asked before it can be decided about.

        ValidationError if its status is not what we wrote: that is never guessed.
        """
        meta = meta_of(obj)
        copy = self._copy_of(obj)
        status = copy.status if copy else self._recorded(obj)
        try:
            spec = self._spec(obj, meta, copy)
        except ValidationError as error:
            return Case(obj, meta, None, status, problem(error), ())
        needs = self._kind.needs(meta, spec, status, now)
        return Case(obj, meta, spec, status, "", needs)

    async def close(self, case: Case, answers: Mapping[Query, Answered], now: float) -> Plan[Any]:
        """Observes, decides and settles; raises a GatewayError if the world did not let it."""
        plan = self.decide(case, answers, now)
        key, uid = key_of(case.obj), case.meta.uid
        record = self._now(case, plan)
        try:
            await self._settler.settle(case.obj, plan, record=record)
        except Conflict:
            self._copies.pop(key, None)
            raise
        copy = self._copy_of(case.obj)
        self._copies.pop(key, None)
        if not record:
            due = copy.due if copy else self._checkpoint_of(uid)
            self._copies[key] = _Copy(
                uid, plan.status, case.obj.get("status"), due, case.meta.generation, case.spec
            )
        return plan

    def overdue(self) -> list[Key]:
        """The objects whose status is to be on record by now, and is in memory only."""
        now = self._clock()
        return [key for key, copy in self._copies.items() if copy.due <= now]

    async def record(self, obj: Obj) -> None:
        """Writes down the status of an object that is in memory only, if there is one.

        Raises a GatewayError if the world did not let it: it is overdue again a little later, or
        forgotten where the object is another than the one that was decided about.
        """
        key = key_of(obj)
        copy = self._copy_of(obj)
        if copy is None:
            self.forget(key)
            return
        try:
            await self._settler.record(obj, copy.status)
        except Conflict:
            self.forget(key)
            raise
        except GatewayError:
            copy.due = self._clock() + AGAIN
            raise
        self.forget(key)

    def decide(self, case: Case, answers: Mapping[Query, Answered], now: float) -> Plan[Any]:
        """The kind's decision about the case."""
        if case.spec is None:
            return self._kind.refuse(case.meta, case.status, case.problem, now)
        seen = self._kind.observe(self._world, case.meta, case.spec, case.status, answers, now)
        return self._kind.decide(case.meta, case.spec, case.status, seen, now)

    def forget(self, key: Key) -> None:
        """Drops what is remembered of an object that is gone."""
        self._copies.pop(key, None)

    def _copy_of(self, obj: Obj) -> _Copy | None:
        """What is in memory of this very object, not of one of the same name before it.

        Nor of what it was before a write of ours that landed although it seemed to fail.
        """
        copy = self._copies.get(key_of(obj))
        if copy is None or copy.uid != obj["metadata"]["uid"]:
            return None
        return copy if copy.recorded == obj.get("status") else None

    def _recorded(self, obj: Obj) -> Model:
        return self._kind.api.status.model_validate(obj.get("status") or {})

    def _spec(self, obj: Obj, meta: Meta, copy: _Copy | None) -> Model:
        """The parsed spec, which one that is decided about every few seconds keeps meanwhile."""
        if copy is not None and copy.spec is not None and copy.generation == meta.generation:
            return copy.spec
        return self._kind.api.spec.model_validate(obj.get("spec") or {})

    def _now(self, case: Case, plan: Plan[Any]) -> bool:
        """Whether the status must be written at once rather than at its checkpoint."""
        if plan.record or plan.spent or plan.look_again is None:
            return True
        return FINALIZER in case.obj["metadata"].get("finalizers", ()) and not plan.finalizer

    def _checkpoint_of(self, uid: str) -> float:
        """The next one: each object has a moment of its own, or all would write at once."""
        share = zlib.crc32(uid.encode()) / 2**32
        past = (self._clock() / self._checkpoint + share) // 1.0
        return (past + 1.0 - share) * self._checkpoint


def problem(error: ValidationError) -> str:
    """What is wrong with a spec, field by field, in the words of the wire."""
    found = [
        f"spec.{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
        for one in error.errors(include_url=False, include_context=False)
    ]
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more
