"""What is seen of the world before a decision about a canary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.readings import Answered, Query


@dataclass(frozen=True)
class Seen:
    """One look at the world."""

    route: Mapping[str, Any] | None
    """The VirtualService as it is now; None where there is none."""
    unserved: str = ""
    """Why no VirtualService can be read; empty: they can."""
    holder: str | None = None
    """The name of an older canary on the same route."""
    ready: Mapping[str, int | None] = field(default_factory=dict)
    """Ready replicas by arm, for the arms that name a Deployment; None where it does not exist."""
    answers: Mapping[Query, Answered] = field(default_factory=dict)
    """What Prometheus answered to the queries that were needed."""
