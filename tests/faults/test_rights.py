"""The operator's rights are taken away for a while: it says so, harms nothing and goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.api import ROLES
from tests.cluster.scene import Scene
from tests.faults import weather
from tests.faults.stage import (
    Golden,
    approve,
    begin_promotion,
    operated,
    until_paused,
    until_promoted,
)

pytestmark = pytest.mark.cluster


@contextmanager
def without(scene: Scene, resource: str = "") -> Iterator[None]:
    """Takes the rights to the resource away, or all that are granted in the namespace."""
    roles = scene.api.list(ROLES, scene.namespace)

    def grant(role: str, rules: object) -> None:
        scene.api.merge(ROLES, scene.namespace, role, {"rules": rules})

    for role in roles:
        left = [rule for rule in role["rules"] if resource and resource not in rule["resources"]]
        grant(role["metadata"]["name"], left)
    try:
        yield
    finally:
        for role in roles:
            grant(role["metadata"]["name"], role["rules"])


def test_a_promotion_while_rights_are_taken_away(bare_scene: Scene, golden: Golden) -> None:
    scene = bare_scene
    scene.restarted = True  # it asks for what is not granted
    scene.serve()
    with operated(scene) as stage:
        begin_promotion(scene)
        until_paused(scene)
        with without(scene, "virtualservices"):
            approve(scene)
            scene.until(
                lambda: stage.operator.heard("cannot patch resource .?.virtualservices"),
                30, "what is missing is said",
            )  # fmt: skip
            scene.always(lambda: scene.green() == 50, weather.OUTAGE / 4, "the weight is held")
            assert not stage.kubelet.ends
        with without(scene):
            time.sleep(weather.OUTAGE)
            assert scene.green() in {50, 100}, "no traffic goes back for it"
        until_promoted(scene, golden)
        print(stage.kubelet.ends)
