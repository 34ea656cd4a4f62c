"""The chart for one team: one namespace is served, by files of Secrets, until it says farewell."""

from collections.abc import Iterator

import pytest

from controllers.plan import FINALIZER
from hack.charts.helm import CRDS, OPERATOR, helm
from hack.cluster import images
from hack.cluster.cluster import Cluster
from tests.cluster.api import Api
from tests.cluster.scene import Scene

NAME = "team"


@pytest.fixture
def release(node: Cluster) -> str:
    """How the operator's image is called on the node, beside the kinds."""
    kinds = ("--namespace=modelyard-system", "--create-namespace")
    # Whoever else of the run has applied them before.
    ours = ("--take-ownership", "--force-conflicts")
    helm(
        "upgrade", "--install", "modelyard-crds", str(CRDS), *kinds, *ours,
        kubeconfig=node.kubeconfig,
    )  # fmt: skip
    archive = images.build("operator", say=print)
    node.load_image(archive)
    return images.reference(archive)


@pytest.fixture
def served(node: Cluster, namespace: str) -> Iterator[Scene]:
    """A model in a namespace beside the operator's."""
    name = f"{namespace}-served"
    node.kubectl("create", "namespace", name)
    with Api(node) as api:
        scene = Scene(node, api, name)
        try:
            yield scene
        finally:
            scene.close()
            node.kubectl("delete", "namespace", name, "--wait=false")
            node.models.stop_all(name)


def test_a_team_serves_its_namespace_with_rights_in_it_alone_and_leaves_nothing_held(
    node: Cluster, namespace: str, release: str, served: Scene
) -> None:
    def run(verb: str, *arguments: str) -> str:
        where = (f"--namespace={namespace}", "--timeout=150s")
        return helm(verb, NAME, *arguments, *where, kubeconfig=node.kubeconfig)

    ca = (node.folder / "pki" / "ca.crt").read_text()
    secret = ("--from-literal=token=of-no-meaning-here", f"--from-literal=ca.crt={ca}")
    node.kubectl("create", "secret", "generic", "prometheus", f"-n={namespace}", *secret)
    repository, _, tag = release.rpartition(":")
    run(
        "install", str(OPERATOR), "--wait",
        f"--set=image.repository={repository}", f"--set-string=image.tag={tag}",
        f"--set=clusterWide=false,namespaces={{{served.namespace}}},rbac.aggregate=false",
        "--set=kinds={ModelCanary},checkpointSeconds=2,leave.enabled=true,networkPolicy.enabled=true",
        "--set=prometheus.url=http://prometheus.monitoring:9090",
        "--set=prometheus.tokenSecret.name=prometheus,prometheus.caSecret.name=prometheus",
    )  # fmt: skip
    try:
        said = run("test", "--logs")
        assert 'ready: {"ok": true' in said
        assert "accepted: ModelCanary" in said
        served.serve()
        served.create()
        served.until_green(20)
        assert served.finalizers() == [FINALIZER]
        assert denied(node, namespace) == []
    finally:
        run("uninstall", "--wait")
    assert served.weights() == {"blue": 100, "green": 0}
    assert served.finalizers() == []
    mine = f"--selector=app.kubernetes.io/instance={NAME}"
    kinds = "deploy,job,pod,service,sa,role,rolebinding,networkpolicy"
    for where in (namespace, served.namespace):
        assert node.kubectl("get", kinds, f"-n={where}", mine, "-o=name") == ""


def denied(node: Cluster, namespace: str) -> list[str]:
    """What accounts of a namespace asked for and did not get."""
    accounts = f"system:serviceaccount:{namespace}:"
    return [
        f"{event['user']['username']} {event['verb']} {event['requestURI']}"
        for event in node.audit()
        if event["user"]["username"].startswith(accounts)
        and event.get("responseStatus", {}).get("code") == 403
    ]
