"""Beside a ModelCanary: its stable arm keeps what it had until the run ends."""

from typing import Any

import pytest

from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from hack.cluster.workload import workload
from operators.runtime.resources import DEPLOYMENT
from tests.cluster.autoscaler_scene import AUTOSCALER, PACE, quick
from tests.cluster.scene import ARMS, Scene

pytestmark = pytest.mark.cluster


def scale(scene: Scene, arm: str, requests: int) -> None:
    """An autoscaler of an arm's Deployment, for a demand that someone claims."""
    demand = {"name": "demand", "role": "Demand", "query": f"vector({requests})"}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": arm}
    spec = quick("nobody.example", targetRef=target, signals=[demand])
    meta = {"name": arm, "namespace": scene.namespace}
    scene.api.apply(AUTOSCALER, {"metadata": meta, "spec": spec})


def status(scene: Scene, arm: str) -> InferenceAutoscalerStatus:
    found = scene.api.get(AUTOSCALER, scene.namespace, arm) or {}
    return InferenceAutoscalerStatus.model_validate(found.get("status") or {})


def replicas(scene: Scene, arm: str) -> int:
    found: dict[str, Any] = scene.api.get(DEPLOYMENT, scene.namespace, arm) or {}
    return int(found["spec"]["replicas"])


def test_while_a_canary_runs_its_stable_arm_keeps_the_replicas_that_it_began_with(
    bare_scene: Scene,
) -> None:
    scene = bare_scene
    scene.cluster.nodes.add(1)
    for arm in ARMS:
        scene.api.apply(DEPLOYMENT, workload(arm, scene.namespace))
    scene.operate()
    scene.serve()
    scale(scene, "blue", 60)
    scene.until(lambda: replicas(scene, "blue") == 4, 20, "blue has what it needs")
    arms = [{"name": arm, "host": scene.arm_host(arm), "deployment": arm} for arm in ARMS]
    scene.create(arms=arms, steps=[{"weight": 20, "minDuration": "1h"}])
    scene.until_green(20)
    scene.until(lambda: status(scene, "blue").floor is not None, 10, "the floor is on record")
    scale(scene, "blue", 2)
    scene.always(lambda: replicas(scene, "blue") == 4, 1.5 * PACE.hold, "blue keeps them")
    floor = next(one for one in status(scene, "blue").decision.asked if one.reason == "Floor")
    assert floor.replicas == 4
    assert floor.message == "ModelCanary fraud judges its run 1 against this arm"

    scene.release("blue", "7")
    scene.until(lambda: replicas(scene, "blue") == 1, 40, "blue is as small as its load")
    assert status(scene, "blue").floor is None
