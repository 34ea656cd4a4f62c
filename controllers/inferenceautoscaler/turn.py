"""One decision in the making: the status so far, what is to be said and what is to be written."""

from dataclasses import dataclass, field
from typing import Any, Literal

from controllers import conditions
from controllers.api.base import Condition
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Mode
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.inferenceautoscaler.seen import Seen, Target
from controllers.plan import Event, Meta, Plan, Write


@dataclass
class Turn:
    """Collects one decision; ``plan`` is what comes of it."""

    meta: Meta
    spec: InferenceAutoscalerSpec
    seen: Seen
    now: float
    status: InferenceAutoscalerStatus
    events: list[Event] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    finalizer: bool = False
    look_again: float | None = None
    recorded: bool = False

    @property
    def target(self) -> Target:
        """What is scaled; asked only where there is one."""
        if self.seen.target is None:
            raise LookupError("there is no target")
        return self.seen.target

    @property
    def acts(self) -> bool:
        """Whether a decision is carried out."""
        return self.spec.mode is Mode.ACTIVE and not self.spec.suspend

    def set(self, *, record: bool = False, **fields: Any) -> None:
        """Change the status; ``record`` where it cannot be found out again."""
        self.status = self.status.model_copy(update=fields)
        self.recorded = self.recorded or record

    def say(self, reason: str, message: str, *, warning: bool = False) -> None:
        """Decide something: status and an event say it with the same numbers."""
        self.events.append(Event(reason, message[:1000], warning))
        self.set(record=True, reason=reason, message=message[:512])

    def condition(self, kind: str, reason: str, message: str = "", *, value: bool | None) -> bool:
        """State one aspect; a turn of it is put on record. Whether it turned."""
        old, state = conditions.get(self.status.conditions, kind), conditions.truth(value)
        message, generation = message[:512], self.meta.generation
        if old is not None and (
            (old.status, old.reason, old.message, old.observed_generation)
            == (state, reason, message, generation)
        ):  # fmt: skip
            return False  # As nearly always: a thousand targets say this many times a minute.
        new = Condition(
            type=kind,
            status=state,
            reason=reason,
            message=message,
            observed_generation=generation,
        )
        turned = old is None or (old.status, old.reason) != (new.status, new.reason)
        self.set(record=turned, conditions=conditions.put(self.status.conditions, (new,), self.now))
        return turned

    def truth(self, kind: str) -> Literal["True", "False", "Unknown"] | None:
        """What a condition says now."""
        found = conditions.get(self.status.conditions, kind)
        return found.status if found else None

    def scale(self, replicas: int) -> None:
        """Has the target scaled, through its scale subresource, unless it changed meanwhile."""
        self.writes.append(
            Write(
                self.target.resource,
                self.meta.namespace,
                self.spec.target_ref.name,
                self.target.resource_version,
                {"spec": {"replicas": replicas}},
                subresource="scale",
            )
        )

    def plan(self) -> Plan[InferenceAutoscalerStatus]:
        """The decision as the runtime carries it out."""
        fresh = self.status.observed_generation != self.meta.generation
        self.set(observed_generation=self.meta.generation)
        return Plan(
            status=self.status,
            reason=self.status.reason or "Pending",
            writes=tuple(self.writes),
            events=tuple(self.events),
            finalizer=self.finalizer,
            look_again=self.look_again,
            record=self.recorded or fresh or bool(self.writes),
        )
