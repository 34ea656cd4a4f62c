"""What is counted goes missing: replicas stay, a hold longer than it was missing."""

from typing import Any

import pytest

from tests.cluster.autoscaler_scene import EACH, PACE, ScalingScene
from tests.cluster.own_prometheus import OwnPrometheus

pytestmark = pytest.mark.cluster

QUIET = 8.0
BUSY = 3.5 * EACH


def busy(scene: ScalingScene, prometheus_url: str | None = None, **changes: Any) -> int:
    """The replicas of a target that has come to rest under load."""
    if prometheus_url is None:
        scene.operate()
    else:
        scene.operate(prometheus_url=prometheus_url)
    scene.serve(replicas=5)
    scene.load(BUSY)
    scene.create(**changes)
    scene.until_measured()
    return scene.replicas()


def test_while_prometheus_is_away_the_load_may_fall_and_no_replica_goes(
    scaling: ScalingScene, own_prometheus: OwnPrometheus
) -> None:
    scene, prometheus = scaling, own_prometheus
    before = busy(scene, prometheus.url)
    prometheus.stop()
    assert "cannot be reached" in scene.until_says("MetricsAvailable", "False", "Blind")
    scene.unload()
    scene.load(QUIET)
    scene.always(lambda: scene.replicas() == before, 1.5 * PACE.hold / PACE.stretch, "all stay")
    assert scene.says("Ready")[0] == "False"
    prometheus.start()
    scene.until_measured()
    scene.always(lambda: scene.replicas() == before, 5, "a hold begins anew")
    scene.until_replicas(1)


def test_zeros_after_a_restart_are_over_before_the_hold_is(
    scaling: ScalingScene, own_prometheus: OwnPrometheus
) -> None:
    scene, prometheus = scaling, own_prometheus
    cluster = f'envoy_cluster_name=~"outbound[|]80[|][|]{scene.host};?"'
    window = f"[{4 * PACE.scrape}s]"
    query = f"sum(rate(envoy_cluster_upstream_rq_completed{{{cluster}}}{window})) or vector(0)"
    demand = {"name": "demand", "role": "Demand", "query": query}
    down = {"hold": f"{2 * PACE.hold}s", "percent": 50, "period": f"{PACE.fall}s"}
    before = busy(scene, prometheus.url, signals=[demand], scaleDown=down)
    scene.until(lambda: (scene.status().demand.now or 0) > 0.9 * BUSY, 20, "the demand is read")
    prometheus.stop()
    scene.until_says("MetricsAvailable", "False", "Blind")
    prometheus.forget()
    prometheus.start()
    scene.until_measured()
    scene.until(lambda: scene.status().demand.now == 0, 10, "it reads as no load at all")
    scene.always(lambda: scene.replicas() == before, PACE.hold / PACE.stretch, "all stay")
    scene.until(lambda: (scene.status().demand.now or 0) > 0.9 * BUSY, 20, "the demand is read")
    assert scene.scalings().path() in ([], [before]), "nothing was ever taken away"


def test_half_of_the_pods_unseen_are_not_half_of_the_load(scaling: ScalingScene) -> None:
    scene = scaling
    in_flight = {"name": "in-flight", "role": "Concurrency", "preset": "Vllm"}
    before = busy(scene, signals=[in_flight], capacity={"concurrency": 2})
    assert scene.says("CapacityLearned")[:2] == ("False", "Concurrency")
    assert scene.fleet is not None
    scene.fleet.set(scraped=0.5)
    message = scene.until_says("MetricsAvailable", "False", "Partial")
    assert "ready pods are not scraped" in message
    scene.unload()
    scene.load(1.0)
    held = scene.until_says("DecreaseHeld", "True")
    assert "in-flight is Partial" in held
    scene.always(lambda: scene.replicas() >= before, PACE.hold / PACE.stretch, "all stay")
    scene.fleet.set(scraped=1.0)
    scene.until_measured()
    scene.until_replicas(1)
