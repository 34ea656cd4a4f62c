"""The operator's account on a real API server: what it may do, and what it may not."""

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError
from hack.generate.files import ROOT

pytestmark = pytest.mark.cluster

ACCOUNT = "--as=system:serviceaccount:modelyard-system:modelyard"
VIRTUAL_SERVICE = "virtualservices.networking.istio.io"


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Cluster:
    """The shared cluster with the CRDs and the account that users apply."""
    for path in ("crds", "deploy/rbac.yaml"):
        cluster.kubectl("apply", "--server-side", "-f", str(ROOT / path))
    return cluster


@pytest.mark.parametrize(
    "right",
    [
        "list modelcanaries.modelyard.dev --all-namespaces",
        "watch modelcanaries.modelyard.dev --all-namespaces",
        "patch modelcanaries.modelyard.dev -n default",
        "patch modelcanaries.modelyard.dev --subresource=status -n default",
        f"watch {VIRTUAL_SERVICE} --all-namespaces",
        f"patch {VIRTUAL_SERVICE} -n default",
        "watch deployments.apps --all-namespaces",
        "list inferenceautoscalers.modelyard.dev --all-namespaces",
        "patch inferenceautoscalers.modelyard.dev --subresource=status -n default",
        "patch deployments.apps --subresource=scale -n default",
        "patch statefulsets.apps --subresource=scale -n default",
        "watch pods --all-namespaces",
        "create events.events.k8s.io -n default",
        "patch leases.coordination.k8s.io -n modelyard-system",
    ],
)
def test_the_account_may(server: Cluster, right: str) -> None:
    assert server.kubectl("auth", "can-i", *right.split(), ACCOUNT).strip() == "yes"


@pytest.mark.parametrize(
    "right",
    [
        "get secrets -n modelyard-system",
        "create modelcanaries.modelyard.dev -n default",
        "delete modelcanaries.modelyard.dev -n default",
        f"create {VIRTUAL_SERVICE} -n default",
        f"delete {VIRTUAL_SERVICE} -n default",
        "patch deployments.apps -n default",
        "patch statefulsets.apps -n default",
        "patch replicasets.apps --subresource=scale -n default",
        "delete pods -n default",
        "patch horizontalpodautoscalers.autoscaling -n default",
        "patch leases.coordination.k8s.io -n kube-system",
        "get leases.coordination.k8s.io -n default",
        "create pods -n modelyard-system",
        "escalate clusterroles.rbac.authorization.k8s.io",
    ],
)
def test_the_account_may_not(server: Cluster, right: str) -> None:
    with pytest.raises(CommandError, match=r"auth can-i"):
        server.kubectl("auth", "can-i", *right.split(), ACCOUNT)
