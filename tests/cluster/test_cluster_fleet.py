"""Pods that take their time or never get ready, and model servers as many as the ready ones."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from hack.cluster.cluster import Cluster
from hack.cluster.fleet import Fleet, Replica
from hack.cluster.models import KnobsError
from hack.cluster.traffic import by_version
from hack.cluster.workload import workload

pytestmark = pytest.mark.cluster


def eventually(asked: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.1)


def query(cluster: Cluster, text: str) -> dict[str, float]:
    """The values of a query by their label ``pod``."""
    url = f"{cluster.prometheus_url}/api/v1/query"
    found = requests.get(url, {"query": text}, timeout=5).json()["data"]["result"]
    return {each["metric"].get("pod", ""): float(each["value"][1]) for each in found}


def pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    listed = json.loads(cluster.kubectl("get", "pods", f"-n={namespace}", "-o=json"))
    found: list[dict[str, Any]] = listed["items"]
    return found


def condition(pod: dict[str, Any], kind: str) -> dict[str, str]:
    conditions = pod.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def ready(pod: dict[str, Any]) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def scale(cluster: Cluster, namespace: str, replicas: int) -> None:
    cluster.kubectl("scale", "deployment/llm", f"-n={namespace}", f"--replicas={replicas}")


def served(fleet: Fleet) -> set[str]:
    return {replica.pod for replica in fleet.replicas()}


def ask(replica: Replica, fleet: Fleet, seconds: float = 20.0) -> int:
    url = f"http://{fleet.address}:{replica.port}/predict"
    return requests.get(url, timeout=seconds).status_code


def load_now(fleet: Fleet) -> tuple[int, int]:
    """The requests served and those that wait, of a fleet of one."""
    (replica,) = fleet.replicas()
    return replica.running, replica.waiting


def one_replica(cluster: Cluster, namespace: str, *, seconds: float, concurrency: int = 4) -> Fleet:
    cluster.nodes.add(1)
    cluster.apply(workload("llm", namespace))
    fleet = cluster.fleet(namespace, "llm", seconds=seconds, concurrency=concurrency)
    eventually(lambda: len(fleet.replicas()) == 1)
    return fleet


def test_pods_run_at_once_and_are_ready_after_their_start_up_time_or_never(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(1)
    cluster.apply(
        workload("at-once", namespace),
        workload("later", namespace, replicas=3, start_up="3s..4s"),
        workload("never", namespace, start_up="never"),
    )

    def by_app(app: str) -> list[dict[str, Any]]:
        return [pod for pod in pods(cluster, namespace) if pod["metadata"]["labels"]["app"] == app]

    def running(app: str) -> bool:
        phases = [pod["status"]["phase"] for pod in by_app(app)]
        return bool(phases) and set(phases) == {"Running"}

    eventually(lambda: all(map(running, ("at-once", "later", "never"))))
    eventually(lambda: all(map(ready, by_app("later"))))
    for pod in by_app("later"):
        began, became = pod["status"]["startTime"], condition(pod, "Ready")["lastTransitionTime"]
        assert 2 <= _second(became) - _second(began) <= 6  # Kubernetes' times are whole seconds
    assert all(map(ready, by_app("at-once")))
    (never,) = by_app("never")
    assert condition(never, "Ready")["reason"] == "ContainersNotReady"
    cluster.kubectl("delete", "deployment", "--all", f"-n={namespace}")
    eventually(lambda: not pods(cluster, namespace))


def _second(stamp: str) -> float:
    return time.mktime(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def test_when_the_gpus_run_out_the_scheduler_leaves_pods_pending_until_one_is_free(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(1, gpus=2, prefix=namespace, reserved=True)
    cluster.apply(workload("llm", namespace, replicas=3, gpus=1, pool=namespace))

    def pending() -> list[dict[str, Any]]:
        return [pod for pod in pods(cluster, namespace) if not ready(pod)]

    eventually(lambda: len(pending()) == 1 and condition(pending()[0], "PodScheduled"))
    refused = condition(pending()[0], "PodScheduled")
    assert refused["reason"] == "Unschedulable"
    assert "Insufficient nvidia.com/gpu" in refused["message"]
    scale(cluster, namespace, 2)
    eventually(lambda: len(pods(cluster, namespace)) == 2 and not pending())
    cluster.kubectl("delete", "node", f"{namespace}-0")


def test_a_fleet_is_as_large_as_the_ready_pods_and_no_request_fails_as_it_changes(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(1)
    fleet = cluster.fleet(namespace, "llm", concurrency=4, seconds=0.02)
    assert fleet.replicas() == []
    cluster.apply(workload("llm", namespace, replicas=2, start_up="1s"))
    eventually(lambda: len(fleet.replicas()) == 2)
    eventually(lambda: set(_answered(cluster, fleet, 0.5)) == served(fleet))
    with cluster.traffic(fleet.host, rps=60, seconds=60) as load:
        scale(cluster, namespace, 4)
        eventually(lambda: len(fleet.replicas()) == 4)
        eventually(lambda: set(by_version(load.answers()[-100:])) == served(fleet))
        before = served(fleet)
        scale(cluster, namespace, 1)
        eventually(lambda: len(fleet.replicas()) == 1)
        eventually(lambda: set(by_version(load.answers()[-30:])) == served(fleet))
        answers = load.stop()
    assert {answer.status for answer in answers} == {200}
    assert set(by_version(answers)) >= before


def _answered(cluster: Cluster, fleet: Fleet, seconds: float) -> dict[str, tuple[int, int]]:
    return by_version(cluster.traffic(fleet.host, rps=60, seconds=seconds).wait(seconds + 20))


def test_prometheus_has_each_replica_by_its_pod_and_half_of_them_can_be_hidden(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(1)
    cluster.apply(workload("llm", namespace, replicas=4))
    fleet = cluster.fleet(namespace, "llm", seconds=0.01)
    eventually(lambda: len(fleet.replicas()) == 4)
    here = f'{{namespace="{namespace}"}}'
    eventually(lambda: set(query(cluster, f"vllm:num_requests_running{here}")) == served(fleet))
    for replica in fleet.replicas():
        assert ask(replica, fleet) == 200
    for name in (
        "vllm:request_success_total",
        "vllm:time_to_first_token_seconds_count",
        "vllm:e2e_request_latency_seconds_count",
    ):
        expected = dict.fromkeys(served(fleet), 1.0)
        eventually(partial(_is, cluster, f"{name}{here}", expected))
    fleet.set(scraped=0.5)
    eventually(lambda: len(query(cluster, f"vllm:kv_cache_usage_perc{here}")) == 2)
    fleet.set(scraped=1)
    eventually(lambda: len(query(cluster, f"vllm:kv_cache_usage_perc{here}")) == 4)


def _is(cluster: Cluster, text: str, expected: dict[str, float]) -> bool:
    return query(cluster, text) == expected


def test_beyond_its_slots_a_replica_lets_requests_wait_in_their_order(
    cluster: Cluster, namespace: str
) -> None:
    fleet = one_replica(cluster, namespace, concurrency=1, seconds=60)
    (replica,) = fleet.replicas()
    done: list[int] = []

    def numbered(number: int) -> None:
        ask(replica, fleet)
        done.append(number)

    first = HTTPConnection(fleet.address, replica.port, timeout=20)
    first.request("GET", "/predict")
    eventually(lambda: load_now(fleet) == (1, 0))
    with ThreadPoolExecutor(3) as pool:
        for number in (1, 2, 3):
            pool.submit(numbered, number)
            eventually(partial(_is_load, fleet, 1, number))
        text = requests.get(f"http://{fleet.address}:{replica.port}/metrics", timeout=5).text
        assert 'vllm:num_requests_running{model_name="llm"} 1.0' in text
        assert 'vllm:num_requests_waiting{model_name="llm"} 3.0' in text
        fleet.set(seconds=0.2)
        first.close()
    assert done == [1, 2, 3]


def _is_load(fleet: Fleet, running: int, waiting: int) -> bool:
    return load_now(fleet) == (running, waiting)


def test_more_slots_let_in_who_waits_and_who_hangs_up_leaves_the_queue(
    cluster: Cluster, namespace: str
) -> None:
    fleet = one_replica(cluster, namespace, concurrency=1, seconds=60)
    (replica,) = fleet.replicas()
    waits = [HTTPConnection(fleet.address, replica.port, timeout=20) for _ in range(3)]
    for wait in waits:
        wait.request("GET", "/predict")
    eventually(lambda: load_now(fleet) == (1, 2))
    fleet.set(concurrency=2)
    eventually(lambda: load_now(fleet) == (2, 1))
    for wait in waits:
        wait.close()
    eventually(lambda: load_now(fleet) == (0, 0))
    assert fleet.replicas()[0].completed == 0


def test_without_a_replica_envoy_answers_503_and_counts_what_it_completed_alone(
    cluster: Cluster, namespace: str
) -> None:
    fleet = cluster.fleet(namespace, "llm")
    eventually(lambda: set(_statuses(cluster, fleet)) == {503})
    cluster_name = f'{{envoy_cluster_name="outbound|80||{fleet.host}"}}'
    completed = f"envoy_cluster_upstream_rq_completed{cluster_name}"
    eventually(lambda: query(cluster, completed).get("", 0.0) > 0)
    for name in ("total", "active", "pending_active"):
        assert query(cluster, f"envoy_cluster_upstream_rq_{name}{cluster_name}") == {"": 0.0}


def _statuses(cluster: Cluster, fleet: Fleet) -> list[int]:
    load = cluster.traffic(fleet.host, rps=40, seconds=0.5)
    return [answer.status for answer in load.wait(20)]


def test_a_pod_that_comes_back_under_its_name_counts_from_zero(
    cluster: Cluster, namespace: str
) -> None:
    cluster.nodes.add(1)
    cluster.apply(workload("llm", namespace, kind="StatefulSet"))
    fleet = cluster.fleet(namespace, "llm", seconds=0)
    eventually(lambda: served(fleet) == {"llm-0"})
    (first,) = fleet.replicas()
    assert ask(first, fleet) == 200
    assert fleet.replicas()[0].completed == 1
    cluster.kubectl("delete", "pod", "llm-0", f"-n={namespace}")
    eventually(lambda: [each.completed for each in fleet.replicas()] == [0])
    assert fleet.replicas()[0].port != first.port


def test_errors_are_served_and_a_knob_out_of_range_is_refused(
    cluster: Cluster, namespace: str
) -> None:
    fleet = one_replica(cluster, namespace, seconds=0)
    fleet.set(errors=1.0)
    assert ask(fleet.replicas()[0], fleet) == 500
    with pytest.raises(KnobsError, match=r"concurrency is 0\.5: give a whole number from 1"):
        fleet.set(concurrency=0.5)
    with pytest.raises(KnobsError, match=r"scraped is 2\.0: give a share from 0 to 1"):
        fleet.set(scraped=2)


def test_a_fleet_that_was_killed_comes_back_at_its_address_and_one_that_stops_leaves_nothing(
    cluster: Cluster, namespace: str
) -> None:
    fleet = one_replica(cluster, namespace, seconds=0)
    fleet.kill()
    again = cluster.fleet(namespace, "llm", seconds=0)
    assert again == fleet
    eventually(lambda: len(again.replicas()) == 1)
    again.stop()
    assert again.process.pid() is None
    left = cluster.kubectl("get", "serviceentry,virtualservice", f"-n={namespace}", "-o=name")
    assert left == ""
