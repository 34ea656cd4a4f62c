"""One object's way through observe, decide and settle, and what is remembered between two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from controllers.api.base import Model
from controllers.plan import FINALIZER, Meta, Plan
from controllers.readings import Answered, Query
from operators.runtime.errors import Conflict
from operators.runtime.kind import AnyKind
from operators.runtime.objects import Key, Obj, key_of, meta_of
from operators.runtime.settle import Settler
from operators.runtime.world import World


@dataclass
class _Copy:
    """A status that is ahead of the recorded one."""

    uid: str
    status: Model
    since: float
    """When the recorded one was last equal, by the monotonic clock."""


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
        status = self._status(obj)
        try:
            spec = self._kind.api.spec.model_validate(obj.get("spec") or {})
        except ValidationError as error:
            return Case(obj, meta, None, status, problem(error), ())
        needs = self._kind.needs(meta, spec, status, now)
        return Case(obj, meta, spec, status, "", needs)

    async def close(self, case: Case, answers: Mapping[Query, Answered], now: float) -> Plan[Any]:
        """Observes, decides and settles; raises a GatewayError if the world did not let it."""
        plan = self.decide(case, answers, now)
        key = key_of(case.obj)
        copy = self._copies.get(key)
        since = copy.since if copy else self._clock()
        record = self._due(case, plan, since)
        try:
            await self._settler.settle(case.obj, plan, record=record)
        except Conflict:
            self._copies.pop(key, None)
            raise
        if record:
            self._copies.pop(key, None)
        else:
            self._copies[key] = _Copy(case.meta.uid, plan.status, since)
        return plan

    def decide(self, case: Case, answers: Mapping[Query, Answered], now: float) -> Plan[Any]:
        """The kind's decision about the case."""
        if case.spec is None:
            return self._kind.refuse(case.meta, case.status, case.problem, now)
        seen = self._kind.observe(self._world, case.meta, case.spec, case.status, answers, now)
        return self._kind.decide(case.meta, case.spec, case.status, seen, now)

    def forget(self, key: Key) -> None:
        """Drops what is remembered of an object that is gone."""
        self._copies.pop(key, None)

    def _status(self, obj: Obj) -> Model:
        copy = self._copies.get(key_of(obj))
        if copy is not None and copy.uid == obj["metadata"]["uid"]:
            return copy.status
        return self._kind.api.status.model_validate(obj.get("status") or {})

    def _due(self, case: Case, plan: Plan[Any], since: float) -> bool:
        """Whether the status must be written now rather than at a later look."""
        if plan.record or plan.spent or plan.look_again is None:
            return True
        if FINALIZER in case.obj["metadata"].get("finalizers", ()) and not plan.finalizer:
            return True
        return self._clock() + plan.look_again - since > self._checkpoint


def problem(error: ValidationError) -> str:
    """What is wrong with a spec, field by field, in the words of the wire."""
    found = [
        f"spec.{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
        for one in error.errors(include_url=False, include_context=False)
    ]
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more
