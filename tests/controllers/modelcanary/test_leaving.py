"""A canary that is deleted in a run lets go of its object only once the traffic is back."""

from tests.controllers.modelcanary.test_stories import HOUR, step, world
from tests.world import World


def _is_gone(w: World) -> bool:
    return w.gone


def _blind_and_deleted() -> World:
    """The operator has just begun: it knows the canary and has not read the routes yet."""
    w = world().run(HOUR, step(2)).run(10)
    w.restart()
    w.unserved, w.deleting = "not listed yet", True
    w.wake()
    return w


def test_a_route_that_was_not_read_yet_is_not_taken_for_one_that_is_gone() -> None:
    w = _blind_and_deleted()
    route, w.route = w.route, None
    w.run(20)
    assert not _is_gone(w)
    w.unserved, w.route = "", route
    w.wake()
    w.run(HOUR)
    assert _is_gone(w)
    assert w.share == 0
    assert w.told[-1][1].reason == "ReturnedToStable"


def test_routes_that_can_never_be_read_hold_a_deletion_up_for_a_minute_at_most() -> None:
    w = _blind_and_deleted()
    w.route = None
    w.run(55)
    assert not _is_gone(w)
    w.run(15)
    assert _is_gone(w)
    assert w.told[-1][1].reason == "LetGo"
