"""Renders the rights of the operator from what the runtime and each kind say they need."""

from collections.abc import Iterable, Sequence
from typing import Any

from hack.generate.text import NOTICE, to_yaml
from operators.runtime.rights import Rule

NAME = "modelyard"
NAMESPACE = "modelyard-system"
_LEASES = "coordination.k8s.io"


def render(rules: Iterable[Rule]) -> str:
    """The namespace, the account and its rights as one file, each rule with its reason.

    Leases are granted in the operator's own namespace only: whoever may write any lease of the
    cluster may take the lead from its control plane.
    """
    asked = tuple(dict.fromkeys(rules))
    local = [rule for rule in asked if _LEASES in rule.groups]
    wide = [rule for rule in asked if _LEASES not in rule.groups]
    documents = [
        to_yaml(_object("v1", "Namespace", {})),
        to_yaml(_object("v1", "ServiceAccount", {"namespace": NAMESPACE}, name=NAME)),
        _role("ClusterRole", {}, wide) + _binding("ClusterRole", {}),
        _role("Role", {"namespace": NAMESPACE}, local) + _binding("Role", {"namespace": NAMESPACE}),
    ]
    return f"# {NOTICE}\n" + "---\n".join(documents)


def _object(
    version: str, kind: str, scope: dict[str, str], name: str = NAMESPACE
) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {**scope, "name": name}}


def _role(kind: str, scope: dict[str, str], rules: Sequence[Rule]) -> str:
    head = to_yaml(_object("rbac.authorization.k8s.io/v1", kind, scope, NAME))
    return head + "rules:\n" + "".join(_rule(rule) for rule in rules)


def _rule(rule: Rule) -> str:
    said = {
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
        "verbs": list(rule.verbs),
    }
    return f"# {rule.why}\n" + to_yaml([said])


def _binding(kind: str, scope: dict[str, str]) -> str:
    group = "rbac.authorization.k8s.io"
    said = {
        **_object(f"{group}/v1", f"{kind}Binding", scope, NAME),
        "roleRef": {"apiGroup": group, "kind": kind, "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }
    return "---\n" + to_yaml(said)
