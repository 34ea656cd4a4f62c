"""Renders the rights of the operator from what the runtime and each kind say they need."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hack.generate.text import NOTICE, to_yaml
from operators.runtime.rights import LEASE_RULES, Rule

NAME = "modelyard"
NAMESPACE = "modelyard-system"
_GROUP = "rbac.authorization.k8s.io"


def render(rules: Iterable[Rule]) -> str:
    """The namespace, the account and its rights to all namespaces, each rule with its reason."""
    namespace = to_yaml(_object("v1", "Namespace", "", NAMESPACE))
    documents = [namespace, *(_document(one, rules) for one in objects(rules))]
    return f"# {NOTICE}\n" + "---\n".join(documents)


def objects(
    rules: Iterable[Rule], home: str = NAMESPACE, served: str = "", account: str = NAME
) -> list[dict[str, Any]]:
    """The account in namespace ``home`` and its rights, as objects for the API server.

    It gets the rules in the namespace ``served``, by a Role, or in all where that is empty, by a
    ClusterRole; the Lease in its own namespace only: whoever may write any lease of the cluster may
    take the lead from its control plane.
    """
    asked = tuple(dict.fromkeys(rules))
    lease = [one for one in asked if one in LEASE_RULES]
    others = [one for one in asked if one not in LEASE_RULES]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": home}
    return [
        _object("v1", "ServiceAccount", home, account),
        *_granted(served, account, others, subject),
        *_granted(home, f"{account}-leader", lease, subject),
    ]


def listed(rules: Iterable[Rule]) -> str:
    """Rules as a role has them in YAML, each once and below its reason."""
    return "".join(f"# {rule.why}\n" + to_yaml([_rule(rule)]) for rule in dict.fromkeys(rules))


def _granted(
    namespace: str, name: str, rules: Sequence[Rule], subject: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A role in the namespace, or in all of them where that is empty, and its binding."""
    kind = "Role" if namespace else "ClusterRole"
    yield {
        **_object(f"{_GROUP}/v1", kind, namespace, name),
        "rules": [_rule(rule) for rule in rules],
    }
    yield {
        **_object(f"{_GROUP}/v1", f"{kind}Binding", namespace, name),
        "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": name},
        "subjects": [dict(subject)],
    }


def _object(version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
    scope = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {**scope, "name": name}}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
        "verbs": list(rule.verbs),
    }


def _document(one: dict[str, Any], rules: Iterable[Rule]) -> str:
    """An object as YAML, the reason above each of its rules."""
    if "rules" not in one:
        return to_yaml(one)
    head = {key: value for key, value in one.items() if key != "rules"}
    told = listed(rule for rule in rules if _rule(rule) in one["rules"])
    return to_yaml(head) + "rules:\n" + told
