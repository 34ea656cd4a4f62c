"""The roles of the chart are the rules that the kinds state, no more and no less."""

from collections.abc import Iterable

import pytest

from operators.kinds import KINDS, kinds
from operators.runtime.rights import EVENT_RULES, LEASE_RULES, Rule, rights
from operators.runtime.settings import Settings
from tests.charts.renderings import SETS, Obj, of, one_of, rendered

Right = tuple[str, str, str]
OURS = "modelyard.dev"


def stated(rules: Iterable[Rule]) -> set[Right]:
    return {(one.group, one.resource, one.verb) for one in rights(rules)}


def granted(role: Obj) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def wanted(settings: Settings, *names: str) -> set[Right]:
    """What the runtime and the named kinds state, without the Lease."""
    served = [kind for kind in kinds(settings) if kind.api.kind in names]
    return stated([*EVENT_RULES, *(rule for kind in served for rule in kind.all_rules)])


ALL = tuple(kind.api.kind for kind in KINDS)
SCALED = Settings(scale_targets=("deployments.apps", "rollouts.v1alpha1.argoproj.io=Rollout"))


@pytest.mark.parametrize(
    ("flags", "settings", "names"),
    [
        (SETS["default"], Settings(), ALL),
        (("--set=kinds={ModelCanary}",), Settings(), ("ModelCanary",)),
        (("--set=kinds={InferenceAutoscaler}",), Settings(), ("InferenceAutoscaler",)),
        (SETS["everything"], SCALED, ALL),
        (("--set-json=scaleTargets=[]",), Settings(scale_targets=()), ALL),
    ],
)
def test_a_cluster_role_has_what_the_chosen_kinds_state(
    flags: tuple[str, ...], settings: Settings, names: tuple[str, ...]
) -> None:
    (role,) = [
        one
        for one in of(rendered(*flags), "ClusterRole")
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == "operator"
    ]
    assert granted(role) == wanted(settings, *names)


def test_of_one_namespace_it_gets_roles_there_and_nothing_of_the_cluster() -> None:
    objects = rendered(*SETS["namespaced"])
    assert not of(objects, "ClusterRole")
    assert not of(objects, "ClusterRoleBinding")
    (role,) = [one for one in of(objects, "Role") if one["metadata"]["namespace"] == "ml"]
    assert granted(role) == wanted(Settings(), "ModelCanary")
    (binding,) = [one for one in of(objects, "RoleBinding") if one["metadata"]["namespace"] == "ml"]
    assert binding["subjects"][0]["namespace"] == "modelyard-system"


@pytest.mark.parametrize("name", SETS)
def test_leases_are_granted_where_the_operator_is_and_nowhere_else(name: str) -> None:
    objects = rendered(*SETS[name])
    having = [one for kind in ("Role", "ClusterRole") for one in of(objects, kind)
              if any("leases" in rule["resources"] for rule in one["rules"])]  # fmt: skip
    assert having
    for role in having:
        assert role["metadata"]["namespace"] == "modelyard-system"
        assert granted(role) == stated(LEASE_RULES)


@pytest.mark.parametrize("name", SETS)
def test_nothing_may_read_secrets_and_no_right_is_a_wildcard(name: str) -> None:
    for kind in ("Role", "ClusterRole"):
        for role in of(rendered(*SETS[name]), kind):
            words = {word for right in granted(role) for word in right}
            assert not words & {"*", "secrets"}


def test_whoever_grants_rights_himself_gets_accounts_and_no_role_at_all() -> None:
    objects = rendered("--set=rbac.create=false,rbac.aggregate=false,leave.enabled=true")
    assert not [one for one in objects if "rbac" in one["apiVersion"]]
    accounts = {one["metadata"]["name"] for one in of(objects, "ServiceAccount")}
    assert accounts == {"modelyard", "modelyard-check", "modelyard-leave"}


def test_the_job_that_leaves_has_the_operators_rights_and_an_account_of_its_own() -> None:
    objects = rendered(*SETS["everything"])
    job = one_of(objects, "Job")["spec"]["template"]["spec"]
    assert job["serviceAccountName"] == "yard-leave"
    assert granted(one_of(objects, "ClusterRole", "-leave")) == wanted(SCALED, *ALL)
    operator = one_of(objects, "Deployment")["spec"]["template"]["spec"]
    assert operator["serviceAccountName"] == "yard-account"


def test_people_who_may_edit_a_namespace_may_edit_our_objects_and_never_their_status() -> None:
    objects = rendered()
    view, edit = (one_of(objects, "ClusterRole", suffix) for suffix in ("-view", "-edit"))
    plurals = {kind.api.plural for kind in KINDS}
    for role, verbs in (
        (view, {"get", "list", "watch"}),
        (edit, {"create", "update", "patch", "delete", "deletecollection"}),
    ):
        assert granted(role) == {(OURS, plural, verb) for plural in plurals for verb in verbs}
    aggregate = "rbac.authorization.k8s.io/aggregate-to-"
    for role, whose in ((view, {"view", "edit", "admin"}), (edit, {"edit", "admin"})):
        labels = role["metadata"]["labels"]
        found = {one.removeprefix(aggregate) for one in labels if one.startswith(aggregate)}
        assert found == whose
