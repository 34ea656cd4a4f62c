"""The API rights that the runtime itself needs; each kind states its own beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.api.base import GROUP


@dataclass(frozen=True)
class Rule:
    """One rule of a ClusterRole, and why it is there."""

    groups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]
    why: str


def own(plural: str) -> tuple[Rule, ...]:
    """What the runtime does with the objects of one of our own kinds."""
    return (
        Rule((GROUP,), (plural,), ("list", "watch"), "the objects this operator serves"),
        Rule((GROUP,), (plural,), ("patch",), "our finalizer, and annotations that are used up"),
        Rule((GROUP,), (f"{plural}/status",), ("patch",), "what was decided, and why"),
    )


RUNTIME_RULES: tuple[Rule, ...] = (
    Rule(
        ("coordination.k8s.io",),
        ("leases",),
        ("get", "create", "patch"),
        "one replica acts, the others stand by",
    ),
    Rule(
        ("events.k8s.io",),
        ("events",),
        ("create", "patch"),
        "what a person should hear of, and how often it happened",
    ),
)
