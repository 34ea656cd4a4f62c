"""Replicas that were asked for do not come: no more are asked for, and it is said why."""

import pytest

from tests.cluster.autoscaler_scene import EACH, PACE, ScalingScene

pytestmark = pytest.mark.cluster

BUSY = 3.5 * EACH


def test_pods_that_never_get_ready_are_not_answered_with_more_of_them(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.operate()
    scene.serve(start_up="never")
    scene.load([(0, 0.8 * EACH), (20, 0.8 * EACH), (20, 6 * EACH)])
    scene.create(signals=[{"name": "demand", "role": "Demand", "preset": "Envoy"}])
    message = scene.until_says("SloAtRisk", "True", "NotStarting", seconds=50)
    assert message.startswith("no replica got ready in ")
    assert message.endswith("no more are asked for")
    before = scene.replicas()
    assert before <= 2
    scene.always(lambda: scene.replicas() == before, PACE.hold / PACE.stretch, "no more come")
    assert scene.status().decision.limited_by == "NotStarting"
    assert scene.says("Ready")[0] == "False"
    scene.deploy(replicas=before, start_up=f"{PACE.start_up}s")
    scene.until_says("SloAtRisk", "False")
    scene.until_replicas(7, 8)


def test_replicas_without_a_gpu_are_said_to_find_no_node_and_come_when_there_is_one(
    scaling: ScalingScene,
) -> None:
    scene, pool = scaling, scaling.namespace
    try:
        scene.cluster.nodes.add(1, gpus=2, prefix=pool, reserved=True)
        scene.operate()
        scene.serve(gpus=1, pool=pool)
        scene.load(BUSY)
        scene.create(maxReplicas=6)
        message = scene.until_says("RoomForReplicas", "False", "Unschedulable")
        assert "find no node" in message
        assert "Insufficient nvidia.com/gpu" in message
        assert scene.says("Ready")[0] == "False"
        assert "NoRoom" in scene.told()
        scene.until(lambda: scene.ready() == 2, 20, "two have a GPU")
        scene.until_says("SloAtRisk", "True", "NotStarting")
        scene.always(lambda: scene.replicas() <= 6, 3, "within the maximum")
        assert scene.status().replicas.pending == scene.replicas() - 2
        scene.cluster.nodes.add(2, gpus=4, prefix=pool, reserved=True)
        scene.until_says("RoomForReplicas", "True")
        scene.until_says("SloAtRisk", "False")
        scene.until(lambda: 4 <= scene.ready() == scene.replicas(), 20, "all are ready")
    finally:
        scene.cluster.kubectl("delete", "node", "-l", f"modelyard.dev/pool={pool}", "--wait=false")
