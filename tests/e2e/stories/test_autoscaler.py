"""Replicas that are pods follow the load, by what Prometheus scrapes from each of them."""

from tests.cluster.autoscaler_scene import EACH
from tests.e2e.stories.scaling import ScalingStage

QUIET = 8.0
BUSY = 2.5 * EACH
"""Three replicas answer it."""


def test_replicas_come_with_the_load_go_after_it_and_no_answer_is_an_error(
    scaling: ScalingStage,
) -> None:
    scaling.serve()
    load = scaling.load([(0, QUIET), (15, QUIET), (15, BUSY), (50, BUSY), (50, QUIET)])
    scaling.create()
    scaling.until_measured()
    assert scaling.replicas() == 1
    scaling.until_replicas(3, 4, seconds=45)
    scaling.until(lambda: scaling.ready() == scaling.replicas() >= 3, 30, "they serve")
    scaling.until_replicas(1, 2, seconds=90)
    assert {one.status for one in load.stop()} <= {200, 0}
    if scaling.audited():
        # After the peak; a request that happens to wait in the middle of it may ask for one more.
        assert 1 <= scaling.scalings().reversals() <= 2
