"""What a run needs is deleted before it: the operator holds nothing up, and harms nobody."""

from controllers.routing.istio import VIRTUAL_SERVICE
from hack.cluster.site import CommandError
from tests.cluster.scene import NAME
from tests.e2e.stories.stage import Stage

ONE_STEP = [{"weight": 20, "minDuration": "1h"}]


def test_a_namespace_goes_with_a_canary_in_mid_run(stage: Stage) -> None:
    stage.serve()
    stage.create(steps=ONE_STEP)
    stage.until_green(20)
    stage.cluster.kubectl("delete", "namespace", stage.namespace, "--wait=false")

    def is_gone() -> bool:
        try:
            stage.cluster.kubectl("get", "namespace", stage.namespace)
        except CommandError as error:
            return "not found" in str(error)
        return False

    stage.until(is_gone, 60, "the namespace is gone")
    assert len(stage.chart.ready()) == 2


def test_a_canary_whose_route_is_gone_says_so_and_can_be_deleted(stage: Stage) -> None:
    stage.serve()
    stage.create(steps=ONE_STEP)
    stage.until_green(20)
    stage.api.delete(VIRTUAL_SERVICE, stage.namespace, NAME)
    stage.until(lambda: stage.says("Accepted")[:2] == ("False", "RouteNotFound"), 30, "it says so")
    stage.delete()
    stage.until(lambda: stage.canary() is None, 60, "the canary is gone")
    assert stage.live_route() is None
