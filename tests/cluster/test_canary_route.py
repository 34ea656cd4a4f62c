"""Who else touches the route: people, in both directions, and other canaries."""

import pytest

from controllers.api.modelcanary import RESUME
from controllers.routing.istio import VIRTUAL_SERVICE
from tests.cluster.oracle import History
from tests.cluster.scene import NAME, Scene

pytestmark = pytest.mark.cluster

FOR_EVER = "1h"
ONE_STEP = [{"weight": 20, "minDuration": FOR_EVER}]


def test_an_edit_that_lowers_the_release_is_kept_until_somebody_says_resume(scene: Scene) -> None:
    scene.create(steps=[{"weight": 20, "minDuration": "2s"}, {"weight": 50}])
    scene.until_green(50)
    scene.edit(5)
    status = scene.until_phase("Held", 10)
    assert status.held is not None
    assert status.held.reason == "ForeignEdit"
    assert f"annotate {RESUME}=1/2" in status.held.message
    scene.always(lambda: scene.green() == 5, 5, "the edit is kept")
    scene.annotate(RESUME)
    scene.until_green(50, 10)
    scene.until(lambda: scene.status().phase == "Progressing", 10, "the run goes on")
    assert History(scene.cluster, scene.namespace).shares() == [20, 50, 50]


def test_an_edit_that_raises_the_release_is_repaired_three_times_and_then_kept(
    scene: Scene,
) -> None:
    scene.create(steps=ONE_STEP)
    scene.until_green(20)
    for repaired in range(1, 4):
        scene.edit(80)
        scene.until(lambda: scene.green() == 20, 10, f"edit {repaired} is repaired")
        scene.until(
            lambda n=repaired: len(scene.status().repairs) == n,  # type: ignore[misc]
            10,
            f"repair {repaired} is on record",
        )
    scene.edit(80)
    status = scene.until_phase("Held", 10)
    assert status.held is not None
    assert status.held.reason == "RepairLimit"
    scene.always(lambda: scene.green() == 80, 4, "the fourth edit is kept")
    assert History(scene.cluster, scene.namespace).shares() == [20, 20, 20, 20]


def test_at_rest_an_edit_is_kept_too_and_resume_gives_the_traffic_back(scene: Scene) -> None:
    scene.create(release={"arm": "blue", "version": "7"})
    scene.until_phase("Settled", 20)
    scene.edit(40)
    scene.until(lambda: scene.status().held is not None, 10, "the edit is honoured")
    assert scene.says("Ready")[0] == "False"
    scene.always(lambda: scene.green() == 40, 4, "the edit is kept")
    scene.annotate(RESUME)
    scene.until(lambda: scene.green() == 0, 10, "blue holds all of the traffic again")
    assert scene.status().run == 0


def test_of_two_canaries_on_a_route_the_older_works_and_the_younger_takes_its_place(
    scene: Scene,
) -> None:
    scene.create("a-older", release={"arm": "blue", "version": "7"})
    scene.until_phase("Settled", 20, "a-older")
    scene.create("b-younger", steps=ONE_STEP)
    scene.until(lambda: scene.says("Accepted", "b-younger")[1] == "RouteTaken", 10, "it waits")
    assert "ModelCanary a-older is older" in scene.says("Accepted", "b-younger")[2]
    assert scene.finalizers("b-younger") == []
    scene.always(lambda: scene.green() == 0, 3, "the younger one moves nothing")

    scene.delete("a-older")
    scene.until(lambda: scene.canary("a-older") is None, 10, "the older one is gone")
    scene.until(lambda: scene.says("Accepted", "b-younger")[0] == "True", 10, "it is free")
    scene.until(lambda: scene.green() == 20, 30, "the younger one has begun")


def test_a_route_that_is_deleted_in_a_run_is_reported_and_holds_no_deletion_up(
    scene: Scene,
) -> None:
    scene.create(steps=ONE_STEP)
    scene.until_green(20)
    scene.api.delete(VIRTUAL_SERVICE, scene.namespace, NAME)
    scene.until(lambda: scene.says("Accepted")[1] == "RouteNotFound", 10, "it is reported")
    assert f"there is no VirtualService {NAME}" in scene.says("Accepted")[2]
    scene.delete()
    scene.until(lambda: scene.canary() is None, 10, "the canary is gone")
    assert scene.told()[-1] == "LetGo"
    assert scene.live_route() is None
