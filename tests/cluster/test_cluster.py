"""The promises of hack/cluster, kept on the real thing."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from hack.cluster.binaries import ROOT
from hack.cluster.cluster import EVERYTHING, GROUPS, PARTS, Cluster
from hack.cluster.istio import GATEWAY
from hack.cluster.models import KnobsError, Model
from hack.cluster.process import started_for
from hack.cluster.site import CommandError, Site, listens
from hack.cluster.traffic import by_version

pytestmark = pytest.mark.cluster

Start = Callable[..., Cluster]


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hack.cluster", "--dir", str(folder), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def route(namespace: str, arms: Mapping[Model, int]) -> dict[str, Any]:
    destinations = [
        {"destination": {"host": model.host, "port": {"number": 80}}, "weight": weight}
        for model, weight in arms.items()
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "fraud", "namespace": namespace},
        "spec": {
            "hosts": [f"fraud.{namespace}.example"],
            "gateways": [f"istio-system/{GATEWAY}"],
            "http": [{"route": destinations}],
        },
    }


def query(cluster: Cluster, text: str) -> list[dict[str, Any]]:
    url = f"{cluster.prometheus_url}/api/v1/query"
    found: list[dict[str, Any]]
    found = requests.get(url, {"query": text}, timeout=5).json()["data"]["result"]
    return found


def eventually(asked: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.2)


def steady(cluster: Cluster, host: str, seconds: float) -> dict[str, tuple[int, int]]:
    """Traffic at 100 requests a second, once the route has reached Envoy."""
    load = cluster.traffic(host, rps=100, seconds=seconds)
    return by_version(load.wait(seconds + 20))


def test_all_parts_are_healthy_and_a_second_up_leaves_every_process_as_it_is(
    cluster: Cluster,
) -> None:
    before = {health.part: health.pid for health in cluster.status()}
    assert set(before) == {name for group in EVERYTHING for name in GROUPS[group]}
    assert all(health.healthy for health in cluster.status())
    cluster.up()
    assert {health.part: health.pid for health in cluster.status()} == before


def test_an_edited_route_moves_real_traffic_and_both_presets_have_its_counters(
    cluster: Cluster, namespace: str
) -> None:
    stable = cluster.models.start("v1", namespace=namespace)
    faulty = cluster.models.start("v2", namespace=namespace, errors=0.3, seed=7)
    host = f"fraud.{namespace}.example"
    cluster.apply(route(namespace, {stable: 90, faulty: 10}))
    eventually(lambda: set(steady(cluster, host, 0.5)) == {"v1", "v2"})
    early = steady(cluster, host, 4)
    cluster.apply(route(namespace, {stable: 20, faulty: 80}))
    time.sleep(1)  # istiod and Envoy take some 0.2 s
    late = steady(cluster, host, 4)

    assert 0.02 < early["v2"][0] / 400 < 0.2
    assert 0.7 < late["v2"][0] / 400 < 0.9
    assert early["v1"][1] == late["v1"][1] == 0
    assert 0.2 < late["v2"][1] / late["v2"][0] < 0.4
    envoy = f'envoy_cluster_name="outbound|80||{faulty.host}"'
    istio = f'reporter="source",destination_service="{faulty.host}"'
    for series in (
        f'envoy_cluster_upstream_rq{{{envoy},envoy_response_code="500"}}',
        f"envoy_cluster_upstream_rq_time_bucket{{{envoy}}}",
        f'istio_requests_total{{{istio},response_code="500"}}',
        f"istio_request_duration_milliseconds_bucket{{{istio}}}",
        f'model_requests_total{{namespace="{namespace}",code="500"}}',
    ):
        eventually(partial(query, cluster, series))


def test_the_counters_of_both_presets_and_of_the_model_agree_with_the_answers_seen(
    cluster: Cluster, namespace: str
) -> None:
    model = cluster.models.start("v1", namespace=namespace, errors=0.25, seed=1)
    cluster.apply(route(namespace, {model: 100}))
    answers = 0

    def is_routed() -> bool:
        nonlocal answers
        seen = steady(cluster, f"fraud.{namespace}.example", 0.5)
        answers += seen.get("v1", (0, 0))[0]
        return set(seen) == {"v1"}  # the others are Envoy's own 404s

    eventually(is_routed)
    host = model.host
    for total in (
        f'sum(envoy_cluster_upstream_rq{{envoy_cluster_name=~".*{host}",envoy_response_code!=""}})',
        f'sum(envoy_cluster_upstream_rq_time_count{{envoy_cluster_name=~".*{host}"}})',
        f'sum(istio_requests_total{{destination_service="{host}"}})',
        f'sum(istio_request_duration_milliseconds_count{{destination_service="{host}"}})',
        f'sum(model_requests_total{{namespace="{namespace}"}})',
    ):
        eventually(partial(_is, cluster, total, answers))


def _is(cluster: Cluster, text: str, value: float) -> bool:
    found = query(cluster, text)
    return bool(found) and float(found[0]["value"][1]) == value


def test_a_model_server_repeats_its_errors_by_seed_and_takes_new_knobs_while_it_runs(
    cluster: Cluster, namespace: str
) -> None:
    def first_statuses(seed: int) -> list[int]:
        model = cluster.models.start("v1", namespace=namespace, errors=0.5, latency_ms=0, seed=seed)
        return [_status(model) for _ in range(20)]

    assert first_statuses(3) == first_statuses(3)
    assert first_statuses(3) != first_statuses(4)
    model = cluster.models.start("v1", namespace=namespace)
    model.set(errors=1.0)
    assert [_status(model) for _ in range(5)] == [500] * 5
    with pytest.raises(KnobsError, match=r"errors is 1\.5: give a share from 0 to 1"):
        model.set(errors=1.5)
    with pytest.raises(KnobsError, match="speed"):
        model.set(speed=1.0)


def _status(model: Model) -> int:
    return requests.get(f"http://{model.address}:{model.port}/predict", timeout=5).status_code


def test_pods_of_a_deployment_turn_ready_on_fake_nodes(cluster: Cluster, namespace: str) -> None:
    cluster.nodes.add(2, gpus=8)
    labels = {"app": "model"}
    container = {"name": "c", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "4"}}}
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "model", "namespace": namespace},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
    )
    cluster.kubectl("rollout", "status", "deploy/model", f"-n={namespace}", "--timeout=60s")
    ready = cluster.kubectl(
        "get", "deploy", "model", f"-n={namespace}", "-o=jsonpath={.status.readyReplicas}"
    )
    assert ready == "2"


def test_a_service_account_has_its_own_rights_and_the_audit_log_names_who_asked(
    cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl("create", "serviceaccount", "operator", f"-n={namespace}")
    kubeconfig = cluster.service_account_kubeconfig(namespace, "operator")
    with pytest.raises(CommandError, match="cannot list resource"):
        cluster.kubectl("get", "secrets", f"-n={namespace}", f"--kubeconfig={kubeconfig}")
    user = f"system:serviceaccount:{namespace}:operator"

    def refused() -> bool:
        return any(
            event["user"]["username"] == user
            and event["verb"] == "list"
            and event["objectRef"]["resource"] == "secrets"
            and event["responseStatus"]["code"] == 403
            for event in cluster.audit()
        )

    eventually(refused)


def test_the_audit_log_holds_the_body_of_a_write_to_a_route(
    cluster: Cluster, namespace: str
) -> None:
    model = cluster.models.start("v1", namespace=namespace)
    cluster.apply(route(namespace, {model: 100}))

    def written() -> list[dict[str, Any]]:
        return [
            event
            for event in cluster.audit()
            if event.get("objectRef", {}).get("resource") == "virtualservices"
            and event["objectRef"].get("namespace") == namespace
            and event["verb"] == "patch"
        ]

    eventually(lambda: bool(written()))
    (event,) = written()
    assert event["user"]["username"] == "admin"
    assert event["responseObject"]["spec"]["http"][0]["route"][0]["weight"] == 100


def test_prometheus_scrapes_an_operator_that_comes_later(cluster: Cluster, namespace: str) -> None:
    model = cluster.models.start("v1", namespace=namespace)
    cluster.scrape(namespace, f"{model.address}:{model.port}", pod=namespace)
    eventually(lambda: bool(query(cluster, f'up{{job="operator",pod="{namespace}"}} == 1')))
    cluster.stop_scraping(namespace)


def test_a_killed_part_is_named_with_its_last_words_and_up_brings_it_back_with_its_data(
    own_cluster: Start,
) -> None:
    cluster = own_cluster("core")
    cluster.kubectl("create", "namespace", "kept")
    cluster.part("kube-apiserver").kill()

    sick = [health for health in cluster.status() if not health.healthy]
    assert [health.part for health in sick] == ["kube-apiserver"]
    assert sick[0].pid is None
    assert sick[0].tail == tuple(cluster.part("core").process.tail())
    assert sick[0].tail
    code, out, _ = said(command(cluster.folder, "status"))
    assert code == 1
    assert "kube-apiserver" in out
    assert "dead" in out
    assert sick[0].tail[-1] in out

    cluster.up(["core"])
    assert all(health.healthy for health in cluster.status())
    assert cluster.kubectl("get", "namespace", "kept", "-o", "name").strip() == "namespace/kept"


def test_a_paused_part_is_not_ready_and_a_resumed_one_is(own_cluster: Start) -> None:
    cluster = own_cluster("prometheus")
    part = cluster.part("prometheus")
    part.pause()
    (health,) = cluster.status()
    assert health.pid is not None
    assert health.port is not None
    assert not health.healthy
    part.resume()
    eventually(lambda: cluster.status()[0].healthy)
    part.stop()
    assert not listens(health.port)
    part.start()
    assert cluster.status()[0].port == health.port


def test_two_clusters_side_by_side_share_no_port_and_no_object(own_cluster: Start) -> None:
    one, other = own_cluster("core", name="one"), own_cluster("core", name="other")
    ports = [set(Site(cluster.folder).state["ports"].values()) for cluster in (one, other)]
    assert not ports[0] & ports[1]
    one.kubectl("create", "namespace", "mine")
    with pytest.raises(CommandError, match="not found"):
        other.kubectl("get", "namespace", "mine")


def test_two_ups_at_once_on_one_folder_make_one_cluster(own_cluster: Start, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    both = [command(folder, "up", "core") for _ in range(2)]
    assert [said(process)[0] for process in both] == [0, 0]
    assert len(list(started_for(folder))) == 2
    assert all(health.healthy for health in own_cluster("core").status())


def test_a_port_taken_after_it_was_chosen_is_exchanged_for_another(
    own_cluster: Start, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    site = Site(tmp_path / "own")
    site.choose_ports(PARTS["etcd"].ports)
    chosen = site.port("etcd")
    with socket.create_server(("127.0.0.1", chosen)):
        cluster = own_cluster("core")
        assert site.port("etcd") != chosen
        assert all(health.healthy for health in cluster.status())


def test_down_leaves_no_process_no_file_and_no_port(own_cluster: Start, tmp_path: Path) -> None:
    cluster = own_cluster("core", "prometheus")
    ports = Site(cluster.folder).state["ports"].values()
    assert any(map(listens, ports))
    (cluster.folder / "run" / "etcd.json").unlink()  # as if up had been killed before it noted it
    code, _, err = said(command(cluster.folder, "down"))
    assert code == 0, err
    assert not list(started_for(cluster.folder))
    assert not any(map(listens, ports))
    assert list(tmp_path.iterdir()) == []
    assert said(command(cluster.folder, "down"))[0] == 0


def test_env_prints_what_a_shell_needs_and_logs_what_a_part_said(own_cluster: Start) -> None:
    cluster = own_cluster("core")
    _, out, _ = said(command(cluster.folder, "env"))
    script = f"{out}\nkubectl get namespace default -o name"
    shell = subprocess.run(
        ["bash", "-ec", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert shell.stdout.strip() == "namespace/default"
    code, out, _ = said(command(cluster.folder, "logs", "core"))
    assert code == 0
    assert out.splitlines()[-1] in cluster.part("core").process.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "heard"),
    [
        (("up", "istiod"), "no part is called istiod; there are core, controllers"),
        (("status",), "no cluster in"),
        (("env",), "no cluster in"),
        (("logs", "envoy"), "envoy has no log"),
    ],
)
def test_what_cannot_be_done_is_said_and_makes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], heard: str
) -> None:
    code, _, err = said(command(tmp_path / "none", *arguments))
    assert code == 1
    assert heard in err
    assert not (tmp_path / "none").exists()
