"""One decision in the making: the status so far, what is to be said and what is to be written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from controllers import conditions
from controllers.api.base import Condition
from controllers.api.modelcanary.spec import Arm, ModelCanarySpec
from controllers.api.modelcanary.status import (
    ArmVersion,
    Cause,
    Evidence,
    Happening,
    ModelCanaryStatus,
    Phase,
    Weights,
)
from controllers.modelcanary.seen import Seen
from controllers.plan import Event, Meta, Plan, Write

T = TypeVar("T")

RUNNING = frozenset(
    {
        Phase.PROGRESSING,
        Phase.PAUSED,
        Phase.HELD,
        Phase.CERTIFYING,
        Phase.INCONCLUSIVE,
        Phase.PROMOTING,
        Phase.ROLLING_BACK,
    }
)
"""The phases of a run: a deletion in one of them has something to undo."""

_TOLD = frozenset({Phase.PAUSED, Phase.HELD, Phase.CERTIFYING})
HISTORY = 5


@dataclass
class Turn:
    """Collects one decision; ``plan`` is what comes of it."""

    meta: Meta
    spec: ModelCanarySpec
    seen: Seen
    now: float
    status: ModelCanaryStatus
    events: list[Event] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    look_again: float | None = None
    finalizer: bool | None = None
    recorded: bool = False

    def __post_init__(self) -> None:
        self.before = self.status

    @property
    def running(self) -> bool:
        """Whether a run is going on."""
        return self.status.phase in RUNNING

    @property
    def weights(self) -> Weights:
        """The share of the released arm; known since adoption."""
        return _known(self.status.weights, "weights")

    @property
    def stable(self) -> ArmVersion:
        """The arm that gets the traffic back; known since adoption."""
        return _known(self.status.stable, "stable")

    @property
    def candidate(self) -> ArmVersion:
        """The arm on trial; known during a run."""
        return _known(self.status.candidate, "candidate")

    @property
    def evidence(self) -> Evidence:
        """Where the judge stands; known during a run."""
        return _known(self.status.evidence, "evidence")

    @property
    def returning(self) -> Cause:
        """Why all traffic goes back; known while it does."""
        return _known(self.status.returning, "returning")

    @property
    def route(self) -> Mapping[str, Any]:
        """The VirtualService; asked only where there is one."""
        return _known(self.seen.route, "route")

    def arm(self, name: str) -> Arm:
        """The arm of that name; the API server has seen to it that there is one."""
        return next(arm for arm in self.spec.arms if arm.name == name)

    def other(self, name: str) -> Arm:
        """The arm that is not of that name."""
        return next(arm for arm in self.spec.arms if arm.name != name)

    def set(self, *, record: bool = False, **fields: Any) -> None:
        """Change the status; ``record`` where it cannot be found out again."""
        self.status = self.status.model_copy(update=fields)
        self.recorded = self.recorded or record

    def say(self, reason: str, message: str, *, warning: bool = False) -> None:
        """Decide something: status, history and an event say it with the same numbers."""
        self.events.append(Event(reason, message, warning))
        weights = self.status.weights
        entry = Happening(
            at=conditions.rfc3339(self.now),
            run=self.status.run,
            weight=weights.desired if weights else 0,
            reason=reason,
            message=message[:96],
        )
        history = (*self.status.history, entry)[-HISTORY:]
        self.set(record=True, reason=reason, message=message[:768], history=history)

    def wait(self, reason: str, message: str) -> None:
        """Say what is awaited, without an event; a new reason is put on record."""
        self.set(record=reason != self.status.reason, reason=reason, message=message[:768])

    def phase(self, phase: Phase, reason: str, message: str) -> None:
        """Say where the canary stands and what it waits for; a new phase is an event too."""
        told = phase in _TOLD and reason != self.status.reason
        if phase is not self.status.phase and told:
            self.set(phase=phase)
            self.say(reason, message, warning=phase is Phase.HELD)
            return
        self.set(record=phase is not self.status.phase, phase=phase)
        self.wait(reason, message)

    def condition(self, kind: str, reason: str, message: str = "", *, value: bool | None) -> None:
        """State one aspect; a turn of it is put on record."""
        old = conditions.get(self.status.conditions, kind)
        new = Condition(
            type=kind,
            status=conditions.truth(value),
            reason=reason,
            message=message[:256],
            observed_generation=self.meta.generation,
        )
        turned = old is None or (old.status, old.reason) != (new.status, new.reason)
        self.set(record=turned, conditions=conditions.put(self.status.conditions, (new,), self.now))

    def plan(self) -> Plan[ModelCanaryStatus]:
        """The decision as the runtime carries it out."""
        status = self.status
        at = f"{status.run}/{status.step}"
        fresh = status.observed_generation != self.meta.generation or status.at != at
        self.set(observed_generation=self.meta.generation, at=at)
        return Plan(
            status=self.status,
            reason=self.status.reason or self.status.phase.value,
            writes=tuple(self.writes),
            events=tuple(self.events),
            finalizer=self.running if self.finalizer is None else self.finalizer,
            spent=frozenset(self.spent),
            look_again=self.look_again,
            record=self.recorded or fresh or bool(self.writes) or bool(self.spent),
        )


def _known(value: T | None, name: str) -> T:
    if value is None:
        raise LookupError(f"status.{name} is not known in this phase")
    return value


def digest(*parts: Any) -> str:
    """A short digest of what a verdict or a run is about."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:32]
