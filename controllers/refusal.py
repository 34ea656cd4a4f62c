"""What every kind says of a spec that cannot be read."""

from typing import Any, Protocol, TypeVar

from controllers import conditions
from controllers.api.base import Condition, Conditions
from controllers.plan import Event, Meta, Plan


class Status(Protocol):
    """The part of a status that a refusal is written to."""

    @property
    def conditions(self) -> Conditions:
        """What is said of the object."""
        ...

    def model_copy(self, *, update: dict[str, Any]) -> Any:
        """The same with other fields."""
        ...


StatusT = TypeVar("StatusT", bound=Status)


def refusal(
    meta: Meta, status: StatusT, message: str, now: float, *, longest: int, finalizer: bool
) -> Plan[StatusT]:
    """A plan that says so in condition ``Accepted``, status and, where it is new, an event.

    ``longest`` is how many characters of it ``status.message`` is given, ``finalizer`` whether ours
    stays on the object.
    """
    condition = Condition(
        type="Accepted",
        status="False",
        reason="InvalidSpec",
        message=message[:1024],
        observed_generation=meta.generation,
    )
    refused: StatusT = status.model_copy(
        update={
            "observed_generation": meta.generation,
            "reason": "InvalidSpec",
            "message": message[:longest],
            "conditions": conditions.put(status.conditions, (condition,), now),
        }
    )
    new = refused != status
    return Plan(
        refused,
        "InvalidSpec",
        events=(Event("InvalidSpec", message, warning=True),) if new else (),
        finalizer=finalizer,
    )
