"""Conditions in the standard Kubernetes form, changed without forgetting when they last turned."""

from datetime import UTC, datetime
from typing import Literal

from controllers.api.base import Condition

Truth = Literal["True", "False", "Unknown"]


def rfc3339(now: float) -> str:
    """Unix seconds as the API server writes times."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def truth(value: bool | None) -> Truth:
    """The word of a condition for a yes, a no or an unknown."""
    return "Unknown" if value is None else "True" if value else "False"


def get(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == kind), None)


def put(
    conditions: tuple[Condition, ...], said: tuple[Condition, ...], now: float
) -> tuple[Condition, ...]:
    """``conditions`` with what is ``said`` now; transition times move only when a status turns."""
    known = {condition.type: condition for condition in conditions}
    for new in said:
        old = known.get(new.type)
        turned = old is None or old.status != new.status
        at = rfc3339(now) if turned or old is None else old.last_transition_time
        known[new.type] = new.model_copy(update={"last_transition_time": at})
    return tuple(known.values())
