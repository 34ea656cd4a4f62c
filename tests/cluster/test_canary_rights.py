"""The operator uses every right that it is granted, and asks for none that it is not."""

from collections.abc import Iterator

import pytest

from controllers.api.modelcanary import APPROVE
from tests.cluster.operator import granted
from tests.cluster.oracle import History
from tests.cluster.scene import Scene

pytestmark = pytest.mark.cluster

Right = tuple[str, str, str]

# Granted, and not used in the minute that this story takes.
RARE: dict[Right, str] = {
    ("events.k8s.io", "events", "patch"): "counts the repeats of an event, a minute after it first",
}


def test_the_rights_it_used_in_a_run_are_the_rights_that_it_has(scene: Scene) -> None:
    scene.create(steps=[{"weight": 20, "minDuration": "2s", "pause": {}}, {"weight": 50}])
    scene.until_phase("Paused")
    scene.annotate(APPROVE)
    scene.until_green(50)
    scene.release("blue", "7")
    scene.until(lambda: scene.finalizers() == [], 30, "it is at rest again")

    asked = list(History(scene.cluster, scene.namespace).ours())
    used = {(one.group, one.resource, one.verb) for one in asked}
    has = set(_granted())
    assert used - has == set(), "used and not granted"
    assert has - used == set(RARE), "granted and never used"
    assert {one.code for one in asked} <= {200, 201, 404, 409}


def _granted() -> Iterator[Right]:
    for role in granted():
        for rule in role.get("rules", ()):
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    yield from ((group, resource, verb) for verb in rule["verbs"])
