"""What the canary needs goes away and comes back: nothing moves meanwhile, and then it goes on."""

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from controllers.plan import Resource
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.operator import install
from hack.cluster.process import Process
from hack.cluster.site import Site
from tests.cluster.operator import SECOND
from tests.cluster.oracle import History
from tests.cluster.scene import ARMS, Scene, staged

pytestmark = pytest.mark.cluster

DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
NAMESPACE = "outages"
SHORT = 4.0
"""Seconds of an outage that a leader outlives: well below the 10 s of its renew deadline."""


def test_while_prometheus_stands_still_no_weight_moves_and_then_the_run_goes_on(
    bare_scene: Scene, prometheus: tuple[Process, str]
) -> None:
    scene, (process, url) = bare_scene, prometheus
    scene.serve()
    scene.operate(prometheus_url=url)
    scene.create()
    scene.until_green(20)
    process.pause()
    stopped = time.time()
    scene.until(lambda: scene.says("MetricsAvailable")[:2] == ("False", "Failed"), 20, "it says so")
    ends = stopped + 30
    scene.always(lambda: scene.green() == 20, ends - time.time(), "the weight is held")
    assert scene.says("MetricsAvailable")[:2] == ("False", "Failed")
    assert scene.status().phase == "Progressing"
    process.send(signal.SIGCONT)
    scene.until_phase("Promoted", 90)
    assert scene.says("MetricsAvailable")[0] == "True"
    assert History(scene.cluster, scene.namespace).shares() == [20, 50, 100]


def test_an_arm_without_a_ready_replica_is_given_no_traffic(scene: Scene) -> None:
    scene.cluster.nodes.add(1, gpus=0, prefix=scene.namespace)
    try:
        _deploy(scene, replicas=0)
        arms = [{"name": arm, "host": scene.arm_host(arm)} for arm in ARMS]
        scene.create(arms=[arms[0], {**arms[1], "deployment": "green"}])
        scene.until(lambda: scene.status().reason == "CandidateUnavailable", 10, "it waits")
        assert "Deployment green of arm green has no ready replica" in scene.status().message
        scene.always(lambda: scene.green() == 0, 3, "no weight moves")
        assert scene.status().run == 0

        _deploy(scene, replicas=1)
        scene.until_green(20)
        _deploy(scene, replicas=0)
        scene.until(lambda: scene.says("CandidateAvailable")[0] == "False", 20, "it is seen")
        scene.until(lambda: scene.status().reason == "CandidateUnavailable", 30, "it holds")
        scene.always(lambda: scene.green() == 20, 4, "no weight is raised")

        _deploy(scene, replicas=1)
        scene.until_green(50)
    finally:
        scene.cluster.kubectl("delete", "node", f"{scene.namespace}-0", "--wait=false")


def _deploy(scene: Scene, replicas: int) -> None:
    labels = {"app": "green"}
    container = {"name": "model", "image": "none"}
    spec: dict[str, Any] = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    meta = {"name": "green", "namespace": scene.namespace}
    scene.api.apply(DEPLOYMENT, {"metadata": meta, "spec": spec})


def test_when_the_api_server_was_away_the_same_processes_go_on(
    own_cluster: Callable[..., Cluster],
) -> None:
    cluster = own_cluster("core", "istio", "envoy", "prometheus")
    install(cluster)
    cluster.kubectl("create", "namespace", NAMESPACE)
    server = cluster.part("kube-apiserver")
    with staged(cluster, NAMESPACE) as scene:
        scene.serve()
        first, second = scene.operate(), scene.operate(account=SECOND)
        scene.create()
        scene.until_green(20)
        server.pause()
        time.sleep(SHORT)  # nothing can be asked meanwhile
        server.resume()
        scene.until_green(50)
        scene.until(first.leads, 10, "the first one still leads")

        scene.restarted = True
        server.stop()
        scene.until(lambda: not first.running(), 30, "the leader ends: its lease is not renewed")
        assert first.heard("ending, because the lease was not renewed")
        pid = second.process.pid()
        server.start()
        scene.until_phase("Promoted", 90)
        assert second.process.pid() == pid
        assert History(cluster, NAMESPACE).shares() == [20, 50, 100]
        scene.release("blue", "9")  # the watches work again, too
        scene.until(lambda: scene.status().run == 2, 20, "a second run has begun")


def test_without_istio_and_prometheus_it_says_what_is_missing_and_picks_it_up_later(
    own_cluster: Callable[..., Cluster],
) -> None:
    cluster = own_cluster("core")
    with locked(cluster.folder):
        Site(cluster.folder).choose_ports(["prometheus"])  # so that its address is known before
    install(cluster)
    cluster.kubectl("create", "namespace", NAMESPACE)
    with staged(cluster, NAMESPACE) as scene:
        scene.operate()
        scene.create()
        scene.until(lambda: scene.says("Accepted")[1] == "IstioMissing", 20, "Istio is missed")
        assert "install Istio" in scene.says("Accepted")[2]
        pid = scene.operator.process.pid()

        cluster.up(["istio", "envoy"])
        scene.until(lambda: scene.says("Accepted")[1] == "RouteNotFound", 30, "Istio is found")
        scene.serve()
        scene.until(lambda: scene.says("MetricsAvailable")[1] == "Failed", 30, "it is blind")
        assert "Prometheus cannot be reached" in scene.says("MetricsAvailable")[2]
        assert scene.green() == 0

        cluster.up(["prometheus"])
        scene.until_green(20)
        assert scene.operator.process.pid() == pid
