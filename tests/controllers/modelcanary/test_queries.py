"""Each preset's query selects both arms and every series is given to the right one."""

import re

import pytest

from controllers.api.modelcanary.spec import Arm, Guardrail, Preset
from controllers.modelcanary.queries import Selector, bad, counters, selector
from controllers.routing.istio import Problem

ARMS = (Arm(name="blue", host="fraud-blue"), Arm(name="green", host="fraud-green.prod.example"))
ENVOY = Guardrail(name="errors", type="ErrorRate", preset=Preset.ENVOY)
ISTIO = Guardrail(name="errors", type="ErrorRate", preset=Preset.ISTIO)


def known(found: Selector | Problem) -> Selector:
    assert isinstance(found, Selector)
    return found


@pytest.mark.parametrize(
    ("cluster", "arm"),
    [
        ("outbound|80||fraud-blue.prod.svc.cluster.local", "blue"),
        ("outbound|8080||fraud-blue.prod.svc.cluster.local;", "blue"),
        ("outbound|80||fraud-green.prod.example", "green"),
        ("outbound|80|v2|fraud-blue.prod.svc.cluster.local", None),
        ("outbound|80||xfraud-blue.prod.svc.cluster.local", None),
        ("outbound|80||fraud-greenxprod.example", None),
        ("xds-grpc", None),
    ],
)
def test_envoy_clusters_belong_to_the_arm_they_send_to(cluster: str, arm: str | None) -> None:
    which = known(selector(Preset.ENVOY, ARMS, "prod"))
    assert which.arm({"envoy_cluster_name": cluster}) == arm
    pattern = re.search(r'=~"(.*)"$', which.matcher)
    assert pattern is not None
    assert bool(re.fullmatch(pattern[1].replace("\\\\", "\\"), cluster)) == (arm is not None)


def test_subset_and_port_are_part_of_an_envoy_cluster() -> None:
    arms = (
        Arm(name="a", host="fraud", subset="v1", port=80),
        Arm(name="b", host="fraud", subset="v2", port=81),
    )
    which = known(selector(Preset.ENVOY, arms, "prod"))
    host = "fraud.prod.svc.cluster.local"
    assert which.arm({"envoy_cluster_name": f"outbound|80|v1|{host}"}) == "a"
    assert which.arm({"envoy_cluster_name": f"outbound|81|v2|{host}"}) == "b"
    assert which.arm({"envoy_cluster_name": f"outbound|81|v1|{host}"}) is None


def test_istio_knows_hosts_else_workloads_else_says_what_to_set() -> None:
    which = known(selector(Preset.ISTIO, ARMS, "prod"))
    assert which.arm({"destination_service": "fraud-blue.prod.svc.cluster.local"}) == "blue"
    one_host = [Arm(name=n, host="fraud", subset=n, deployment=f"fraud-{n}") for n in "ab"]
    which = known(selector(Preset.ISTIO, one_host, "prod"))
    assert which.arm({"destination_workload": "fraud-a"}) == "a"
    bare = [Arm(name=n, host="fraud", subset=n) for n in "ab"]
    problem = selector(Preset.ISTIO, bare, "prod")
    assert isinstance(problem, Problem)
    assert "set deployment on both arms" in problem.message


def test_a_query_reads_raw_samples_at_an_instant() -> None:
    which = known(selector(Preset.ISTIO, ARMS, "prod"))
    query = counters(ISTIO, which, 45.0, 1_800_000_000)
    assert query.at == 1_800_000_000
    assert query.text.startswith('istio_requests_total{reporter="source",destination_service=~"')
    assert query.text.endswith("[45s]")
    envoy = counters(ENVOY, which, 45.0, 0).text
    assert envoy.startswith('envoy_cluster_upstream_rq{envoy_response_code!="",')
    slow = Guardrail(name="l", type="Latency", preset=Preset.ENVOY, edge=0.25)
    assert "upstream_rq_time_bucket" in counters(slow, which, 45.0, 0).text


@pytest.mark.parametrize(("code", "is_bad"), [("200", False), ("404", False), ("503", True)])
def test_a_bad_answer_is_a_5xx(code: str, is_bad: bool) -> None:
    assert bad(ENVOY, {"envoy_response_code": code}) is is_bad
    assert bad(ISTIO, {"response_code": code}) is is_bad
