"""Somebody else has a say in the replicas: one writer at a time, and no fight."""

import time
from typing import Any

import pytest

from controllers.plan import Resource
from operators.inferenceautoscaler import HPA, SCALED_OBJECT
from operators.runtime.resources import DEPLOYMENT
from tests.cluster import keda
from tests.cluster.autoscaler_scene import AUTOSCALER, EACH, NAME, PACE, ScalingScene

pytestmark = pytest.mark.cluster

QUIET = 8.0
BUSY = 3.5 * EACH
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}


def begin(scene: ScalingScene, *, replicas: int = 1, **changes: Any) -> None:
    scene.operate()
    scene.serve(replicas=replicas)
    scene.create(**changes)
    scene.until_says("Accepted", "True")


def test_a_target_of_an_hpa_or_a_scaled_object_made_later_is_left_to_it_until_it_is_gone(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    keda.install(scene.cluster)
    begin(scene)
    scene.until_measured()
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    rival = {"name": "rival", "namespace": scene.namespace}
    hpa = {"minReplicas": 1, "maxReplicas": 8, "metrics": [metric]}
    scene.api.apply(HPA, {"metadata": rival, "spec": {"scaleTargetRef": TARGET, **hpa}})
    assert scene.until_says("Accepted", "False", "TargetTaken") == taken_by(HPA)
    assert scene.says("Ready")[0] == "False"
    scene.load(BUSY)
    scene.always(lambda: scene.replicas() == 1, 6, "nothing is written")

    # KEDA makes an HPA of its own: a person is told of the object that a person made.
    scene.api.apply(SCALED_OBJECT, {"metadata": rival, "spec": {"scaleTargetRef": TARGET}})
    scene.until(lambda: scene.says("Accepted")[2] == taken_by(SCALED_OBJECT), 10, "KEDA is named")
    scene.api.delete(HPA, scene.namespace, "rival")
    scene.always(lambda: scene.replicas() == 1, 4, "nothing is written")
    scene.api.delete(SCALED_OBJECT, scene.namespace, "rival")
    scene.until_says("Accepted", "True")
    scene.until_replicas(4, 8)


def taken_by(kind: Resource) -> str:
    return (
        f"spec.targetRef: {kind.kind} rival scales Deployment {NAME} too: delete it, or delete"
        " this InferenceAutoscaler; until then this one writes nothing"
    )


def test_of_two_autoscalers_of_one_target_the_older_one_scales(scaling: ScalingScene) -> None:
    scene = scaling
    begin(scene)
    time.sleep(1.1)  # creation times are whole seconds
    scene.create("newer", maxReplicas=20)
    scene.until(lambda: scene.says("Accepted", "newer")[1] == "TargetTaken", 20, "it is told so")
    assert scene.says("Accepted", "newer")[2] == (
        f"spec.targetRef: InferenceAutoscaler {NAME} is older and scales Deployment {NAME}:"
        " this one starts when that one is deleted"
    )
    scene.delete()
    scene.until(lambda: scene.says("Accepted", "newer")[0] == "True", 20, "it takes over")
    assert scene.autoscaler() is None
    scene.load(BUSY)
    scene.until_replicas(4, 8)


def test_replicas_that_are_reset_again_and_again_are_a_conflict_with_a_name_and_no_fight_downwards(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    begin(scene)
    scene.load(BUSY)
    for _ in range(3):
        scene.until_replicas(4, 8)
        scene.deploy(replicas=1)  # as who applies a file with replicas in it
    message = scene.until_says("Conflict", "True", "EditedByOthers")
    assert message.startswith("cluster keeps setting the replicas of the target: nothing is taken")
    assert "ignoreDifferences on /spec/replicas" in message
    assert len(scene.status().resets) == 3
    assert {"Edited", "Conflict"} <= set(scene.told())
    scene.until_replicas(4, 8)
    scene.unload()
    scene.load(QUIET)
    scene.until(lambda: (scene.status().demand.now or BUSY) <= QUIET + 1, 30, "the load is gone")
    before = scene.replicas()
    scene.always(lambda: scene.replicas() == before, 1.5 * PACE.hold / PACE.stretch, "all stay")
    assert "someone else keeps setting the replicas" in scene.says("DecreaseHeld")[2]
    assert all(one.after > one.before for one in scene.scalings().ours())


def test_a_raise_by_hand_is_kept_for_a_hold_and_a_cut_by_hand_is_made_good(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.load(2.5 * EACH)
    begin(scene, replicas=3)
    scene.until_measured()
    scene.until_settled(3, 5)
    scene.edit(7)
    raised = time.time()
    scene.until(lambda: "Edited" in scene.told(), 10, "the edit is seen")
    scene.until_replicas(2, 6, seconds=40)
    first = next(one for one in scene.scalings().ours() if one.before == 7)
    assert first.at - raised >= PACE.hold - 1.0
    scene.edit(1)
    scene.until_replicas(3, 7, seconds=20)

    def notes() -> list[str]:
        return [one["note"] for one in scene.events() if one["reason"] == "Edited"]

    scene.until(lambda: len(notes()) == 2, 10, "both edits are told")
    assert notes()[0].startswith("kubectl set replicas to 7, where ")
    assert notes()[1].startswith("kubectl set replicas to 1, where ")


def test_a_target_that_is_deleted_is_missed_and_one_that_comes_back_is_adopted(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.load(QUIET)
    begin(scene, replicas=3)
    scene.until_measured()
    scene.api.delete(DEPLOYMENT, scene.namespace, NAME)
    message = scene.until_says("Accepted", "False", "TargetNotFound")
    assert message == (
        f"spec.targetRef.name: there is no Deployment {NAME} in namespace {scene.namespace}"
    )
    scene.deploy(replicas=4)
    born = time.time()
    scene.until_says("Accepted", "True")
    scene.until_replicas(1, seconds=40)
    first = next(one for one in scene.scalings().ours() if one.before == 4)
    assert first.at - born >= PACE.hold - 1.0, "its replicas count as asked for when it came"
    assert scene.api.get(AUTOSCALER, scene.namespace, NAME) is not None
