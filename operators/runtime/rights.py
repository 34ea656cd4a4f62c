"""Rights at the API server: the rules that the runtime states; each kind states its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controllers.api.base import GROUP

STORY = "tests/cluster/test_rights.py::test_the_rights_it_used_in_a_run_are_the_rights_that_it_has"
"""The test in which the operator uses nearly all that it is granted, and nothing else."""


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one kind of object, or on a subresource of it such as ``deployments/scale``."""

    verb: str
    group: str
    resource: str

    @property
    def on(self) -> str:
        """The kind of object as kubectl names it, such as ``deployments.apps/scale``."""
        plural, slash, part = self.resource.partition("/")
        return f"{plural}{f'.{self.group}' if self.group else ''}{slash}{part}"

    def __str__(self) -> str:
        return f"{self.verb} {self.on}"


@dataclass(frozen=True)
class Rule:
    """One rule of a role, why it is there, and what shows that."""

    groups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]
    why: str
    shown_by: str
    """The test, ``file::function``, in which the API server's audit log has the rule in use."""

    @property
    def rights(self) -> tuple[Right, ...]:
        """Each verb on each kind."""
        return tuple(
            Right(verb, group, resource)
            for group in self.groups
            for resource in self.resources
            for verb in self.verbs
        )


def rights(rules: Iterable[Rule]) -> tuple[Right, ...]:
    """All that the rules grant, each once and in their order."""
    return tuple(dict.fromkeys(right for rule in rules for right in rule.rights))


def own(plural: str) -> tuple[Rule, ...]:
    """What the runtime does with the objects of one of our own kinds."""
    objects, status = (plural,), (f"{plural}/status",)
    return (
        Rule((GROUP,), objects, ("list", "watch"), "the objects this operator serves", STORY),
        Rule((GROUP,), objects, ("patch",), "our finalizer, and spent annotations", STORY),
        Rule((GROUP,), status, ("patch",), "what was decided, and why", STORY),
    )


LEASE_RULES: tuple[Rule, ...] = (
    Rule(
        ("coordination.k8s.io",),
        ("leases",),
        ("get", "create", "patch"),
        "one replica acts, the others stand by",
        STORY,
    ),
)
"""In the namespace of the Lease and in no other.

Whoever may write any lease of the cluster may take the lead from its control plane.
"""

EVENT_RULES: tuple[Rule, ...] = (
    Rule(
        ("events.k8s.io",),
        ("events",),
        ("create",),
        "what a person should hear of",
        STORY,
    ),
    Rule(
        ("events.k8s.io",),
        ("events",),
        ("patch",),
        "how often it happened",
        STORY,
    ),
)

RUNTIME_RULES = (*LEASE_RULES, *EVENT_RULES)

EVERYONE: Mapping[Right, str] = {
    Right("create", "authorization.k8s.io", "selfsubjectaccessreviews"): (
        "which of the rights above the account has"
    ),
    Right("get", "", "/openapi"): "whether the CRDs are those of this version",
    Right("get", "", "/version"): "whether the API server is there at all",
    Right("get", "", "/api"): "where kopf looks for the kinds that it watches",
    Right("get", "", "/apis"): "the same",
}
"""What every account may by the roles that Kubernetes comes with, and what we use of it.

A path stands for all below it.
"""
