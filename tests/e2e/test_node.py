"""The promises of the real node: what a pod, kubectl and this machine can do with it."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from hack.cluster import binaries
from hack.cluster.cluster import GROUPS, Cluster
from hack.cluster.istio import GATEWAY
from hack.cluster.node.kubelet import NODE
from hack.cluster.workload import workload
from tests.e2e import probe


@pytest.fixture(scope="session")
def loaded(node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    probe.load(node, tmp_path_factory.mktemp("image"))
    return node


@pytest.fixture
def served(loaded: Cluster, namespace: str) -> str:
    """A namespace with two pods behind the Service ``web``."""
    loaded.apply(probe.deployment(namespace, "web", replicas=2), probe.service(namespace, "web"))
    rolled_out(loaded, namespace, "web")
    return namespace


def rolled_out(cluster: Cluster, namespace: str, name: str) -> None:
    wait = ("rollout", "status", f"deployment/{name}", f"-n={namespace}", "--timeout=90s")
    cluster.kubectl(*wait, seconds=100)


def pods(cluster: Cluster, namespace: str, path: str) -> list[str]:
    said = cluster.kubectl("get", "pods", f"-n={namespace}", "-o=jsonpath={.items[*]" + path + "}")
    return said.split()


def get(cluster: Cluster, namespace: str, url: str) -> str:
    """What a pod of the Deployment ``web`` is answered."""
    command = ("exec", "deployment/web", f"-n={namespace}", "--", "/probe", "get", url)
    return cluster.kubectl(*command)


Found = TypeVar("Found")


def eventually(asked: Callable[[], Found], seconds: float = 20.0) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := asked()):
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.2)
    return found


def test_the_node_and_all_its_parts_are_healthy_and_a_second_up_leaves_them_as_they_are(
    node: Cluster,
) -> None:
    before = {health.part: health.pid for health in node.status() if health.healthy}
    assert before.keys() >= set(GROUPS["node"])
    node.up(["node"])
    assert {health.part: health.pid for health in node.status()} == before
    assert "cpu" in node.kubectl("get", "node", NODE, "-o=jsonpath={.status.allocatable}")


def test_a_restricted_pod_passes_its_probes_and_can_be_read_entered_and_forwarded(
    loaded: Cluster, served: str
) -> None:
    assert set(pods(loaded, served, ".spec.nodeName")) == {NODE}
    name = pods(loaded, served, ".metadata.name")[0]
    assert "GET /healthz" in loaded.kubectl("logs", name, f"-n={served}")
    assert get(loaded, served, "http://127.0.0.1:8080/inside").startswith("200 OK")
    kubectl = [str(binaries.find("kubectl")), f"--kubeconfig={loaded.kubeconfig}", f"-n={served}"]
    forward = subprocess.Popen(
        [*kubectl, "port-forward", f"pod/{name}", ":8080"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert forward.stdout is not None
        port = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        assert port is not None
        answer = requests.get(f"http://127.0.0.1:{port[1]}/forwarded", timeout=10)
        assert answer.text.strip() == name
    finally:
        forward.terminate()
        forward.communicate(timeout=10)


def test_a_service_has_a_name_that_pods_resolve_and_shares_requests_among_its_pods(
    loaded: Cluster, served: str
) -> None:
    names = set(pods(loaded, served, ".metadata.name"))

    def answered(url: str) -> str:
        return get(loaded, served, url).split("\n")[1]

    for host in ("web", f"web.{served}", f"web.{served}.svc.cluster.local"):
        assert answered(f"http://{host}/") in names
    missed = set(names)

    def is_seen() -> bool:
        missed.discard(answered("http://web/"))
        return not missed

    eventually(is_seen)


def test_a_pod_asks_the_api_server_as_its_own_account(loaded: Cluster, served: str) -> None:
    url = f"https://kubernetes.default.svc/api/v1/namespaces/{served}/pods"
    assert f"system:serviceaccount:{served}:default" in get(loaded, served, url)
    assert get(loaded, served, "https://kubernetes.default/version").startswith("200 OK")


def test_pods_reach_prometheus_and_the_gateway_by_their_services(
    loaded: Cluster, served: str
) -> None:
    assert "200 OK" in get(loaded, served, "http://prometheus.monitoring:9090/-/ready")
    assert "404" in get(loaded, served, f"http://{GATEWAY}.istio-system/no-such-route")


def test_the_gateway_and_prometheus_reach_pods(loaded: Cluster, served: str) -> None:
    host = f"web.{served}.example"
    destination = {"host": f"web.{served}.svc.cluster.local", "port": {"number": 80}}
    loaded.apply(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "web", "namespace": served},
            "spec": {
                "hosts": [host],
                "gateways": [f"istio-system/{GATEWAY}"],
                "http": [{"route": [{"destination": destination}]}],
            },
        }
    )
    names = set(pods(loaded, served, ".metadata.name"))

    def through_the_gateway() -> str:
        return requests.get(loaded.gateway_url, headers={"Host": host}, timeout=5).text.strip()

    eventually(lambda: through_the_gateway() in names)
    url = f"{loaded.prometheus_url}/api/v1/query"
    query = {"query": f'up{{job="pods",namespace="{served}",app="web"}}'}
    found = eventually(lambda: requests.get(url, query, timeout=5).json()["data"]["result"])
    assert {series["metric"]["pod"] for series in found} <= names


def test_no_pod_that_means_to_run_lands_on_a_fake_node(loaded: Cluster, served: str) -> None:
    played = (
        "pod-security.kubernetes.io/enforce=privileged"  # a pod that is played asks for nothing
    )
    loaded.kubectl("label", "namespace", served, played, "--overwrite")
    loaded.nodes.add(1, prefix=served)
    loaded.apply(workload("played", served, replicas=2, pool=served))
    try:
        rolled_out(loaded, served, "played")
        loaded.kubectl("scale", "deployment/web", f"-n={served}", "--replicas=4")
        rolled_out(loaded, served, "web")
        placed = zip(
            pods(loaded, served, ".metadata.labels.app"),
            pods(loaded, served, ".spec.nodeName"),
            strict=True,
        )
        assert set(placed) == {("web", NODE), ("played", f"{served}-0")}
    finally:
        loaded.kubectl("delete", "node", f"{served}-0")


def test_pods_outlive_kubelet_and_containerd(own_node: Cluster, tmp_path: Path) -> None:
    own_node.up(["node"])
    probe.load(own_node, tmp_path)
    own_node.apply(probe.deployment("default", "web"))
    rolled_out(own_node, "default", "web")
    (before,) = pods(own_node, "default", ".status.containerStatuses[0].containerID")
    (address,) = pods(own_node, "default", ".status.podIP")
    for name in ("kubelet", "containerd"):
        own_node.part(name).kill()
        assert requests.get(f"http://{address}:{probe.PORT}/", timeout=5).ok
        own_node.part(name).start()
    assert pods(own_node, "default", ".status.containerStatuses[0].containerID") == [before]
    own_node.kubectl("delete", "pods", "--all", "--wait=true")
    rolled_out(own_node, "default", "web")
    assert before not in pods(own_node, "default", ".status.containerStatuses[0].containerID")
