"""The charts on a real API server: accepted, installed, upgraded and removed by Helm itself."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hack.charts.helm import CRDS, OPERATOR, helm, template
from hack.cluster import binaries
from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError
from tests.charts.renderings import SETS

pytestmark = pytest.mark.cluster

ENFORCED = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture
def restricted(cluster: Cluster, namespace: str) -> str:
    """A namespace that takes no pod but one of the restricted Pod Security Standard."""
    cluster.kubectl("label", "namespace", namespace, ENFORCED)
    return namespace


@pytest.fixture(scope="session")
def monitored(installed: Cluster) -> Cluster:
    """The shared cluster, with what prometheus-operator adds to it."""
    for path in binaries.data("monitoring-crds"):
        installed.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    kinds = [f"crd/{name}.monitoring.coreos.com" for name in ("servicemonitors", "prometheusrules")]
    installed.kubectl("wait", "--for=condition=Established", "--timeout=30s", *kinds)
    return installed


@pytest.mark.parametrize("name", SETS)
def test_the_api_server_accepts_every_object_with_no_field_unknown(
    name: str, monitored: Cluster, restricted: str
) -> None:
    here = (f'--set-json=namespaces=["{restricted}"]',) if name == "namespaced" else ()
    flags = (*SETS[name], *here)
    objects = [
        one for one in yaml.safe_load_all(template(OPERATOR, *flags, namespace=restricted)) if one
    ]
    # A pod is only accepted where its account is.
    monitored.apply(*(one for one in objects if one["kind"] == "ServiceAccount"))
    strict = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    said = monitored.kubectl("apply", *strict, "-f", "-", data=yaml.safe_dump_all(objects))
    assert len(said.splitlines()) == len(objects)


def test_the_restricted_standard_is_enforced_here(cluster: Cluster, restricted: str) -> None:
    root = {"name": "root", "image": "any"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": restricted},
        "spec": {"containers": [root]},
    }
    with pytest.raises(CommandError, match="violates PodSecurity"):
        cluster.kubectl("create", "-f", "-", data=json.dumps(pod))


def test_a_release_is_installed_upgraded_and_removed_without_a_trace(
    installed: Cluster, restricted: str
) -> None:
    installed.nodes.add(1)

    def run(verb: str, *flags: str) -> str:
        wait = ("--wait", "--timeout=60s", f"--namespace={restricted}")
        return helm(verb, restricted, *flags, *wait, kubeconfig=installed.kubeconfig)

    def made() -> set[str]:
        """Everything of this release that a person would find, of whatever scope."""
        kinds = "deploy,service,sa,pdb,job,role,rolebinding,clusterrole,clusterrolebinding"
        mine = f"--selector=app.kubernetes.io/instance={restricted}"
        return set(installed.kubectl("get", kinds, f"-n={restricted}", mine, "-o=name").split())

    said = run("install", str(OPERATOR))
    assert "There is no Prometheus yet" in said
    full = f"{restricted}-modelyard"
    assert f"poddisruptionbudget.policy/{full}" in made()
    run(
        "upgrade", str(OPERATOR), "--set=replicas=1,leave.enabled=true,prometheus.url=http://p:9090"
    )
    assert f"poddisruptionbudget.policy/{full}" not in made()
    deployment = json.loads(
        installed.kubectl("get", "deployment", full, f"-n={restricted}", "-o=json")
    )
    assert deployment["status"]["readyReplicas"] == 1
    # The job's pod is played by kwok; what its command does is another test's business.
    run("uninstall")
    assert made() == set()


def test_an_uninstall_of_the_kinds_keeps_them(own_cluster: Callable[..., Cluster]) -> None:
    cluster = own_cluster("core")

    def run(*arguments: str) -> str:
        return helm(*arguments, "--namespace=default", kubeconfig=cluster.kubeconfig)

    run("install", "modelyard-crds", str(CRDS))
    kinds = cluster.kubectl("get", "crd", "-o=name")
    assert kinds.count(".modelyard.dev") == len(list(CRDS.glob("templates/*.yaml")))
    run("uninstall", "modelyard-crds")
    assert cluster.kubectl("get", "crd", "-o=name") == kinds
    # And the next installation takes them over.
    run("install", "modelyard-crds", str(CRDS))


def test_who_may_edit_a_namespace_may_make_canaries_in_it_and_who_may_view_it_may_see_them(
    installed: Cluster, namespace: str
) -> None:
    roles = [
        one
        for one in yaml.safe_load_all(template(OPERATOR, name=namespace, namespace=namespace))
        if one["kind"] == "ClusterRole" and one["metadata"]["name"].endswith(("-view", "-edit"))
    ]
    installed.apply(*roles)
    try:
        for role in ("view", "edit"):
            bound = (f"--clusterrole={role}", f"--user={namespace}-{role}", f"-n={namespace}")
            installed.kubectl("create", "rolebinding", role, *bound)
        assert _may(installed, namespace, "edit", "create", "modelcanaries.modelyard.dev")
        assert _may(installed, namespace, "view", "get", "inferenceautoscalers.modelyard.dev")
        assert not _may(
            installed, namespace, "view", "create", "modelcanaries.modelyard.dev", tries=1
        )
        status = ("modelcanaries.modelyard.dev", "--subresource=status")
        assert not _may(installed, namespace, "edit", "patch", *status, tries=1)
    finally:
        names = [role["metadata"]["name"] for role in roles]
        installed.kubectl("delete", "clusterrole", *names)


def _may(
    cluster: Cluster, namespace: str, role: str, verb: str, *what: str, tries: int = 50
) -> bool:
    """Whether the user with that role may; asked again while the roles are being aggregated."""
    asked: Any = ("auth", "can-i", verb, *what, f"--as={namespace}-{role}", f"-n={namespace}")
    for _ in range(tries):
        try:
            return cluster.kubectl(*asked).strip() == "yes"
        except CommandError:
            time.sleep(0.2)
    return False
