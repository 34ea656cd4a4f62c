"""An act ends when the traffic has really moved, and says so when it ends otherwise."""

from dataclasses import replace

import pytest

from controllers.api.modelcanary.status import Phase
from hack.demo import watch as module
from hack.demo.scene import Scene
from hack.demo.watch import StuckError, watch


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)


def _weighted(scene: Scene, green: int) -> Scene:
    weights = {"blue": 100 - green, "green": green}
    return replace(
        scene, arms={name: replace(arm, weight=weights[name]) for name, arm in scene.arms.items()}
    )


def _watch(scenes: list[Scene], wanted: Phase, seconds: float = 60.0) -> tuple[Scene, Scene]:
    coming = iter(scenes)
    return watch(
        lambda: next(coming),
        lambda _: None,
        wanted=wanted,
        telling=lambda scene: scene.status.phase is Phase.CERTIFYING,
        seconds=seconds,
    )


def test_it_waits_for_envoy_although_the_status_is_there_first(rollback: list[Scene]) -> None:
    last = rollback[-1]
    late = [*rollback, _weighted(last, 5), _weighted(last, 5), _weighted(last, 0)]
    late = [_weighted(scene, 5) for scene in late[:-1]] + late[-1:]
    assert _watch(late, Phase.ROLLED_BACK)[1] is late[-1]


def test_the_telling_scene_is_the_first_of_its_kind(promotion: list[Scene]) -> None:
    told, last = _watch(promotion, Phase.PROMOTED)
    certifying = [scene for scene in promotion if scene.status.phase is Phase.CERTIFYING]
    assert told is certifying[0]
    assert last.status.phase is Phase.PROMOTED


def test_what_was_decided_about_the_release_before_ends_nothing(promotion: list[Scene]) -> None:
    last = promotion[-1]
    release = last.spec.release.model_copy(update={"arm": "blue", "version": "3"})
    asked = replace(last, spec=last.spec.model_copy(update={"release": release}))
    with pytest.raises(StuckError, match=r"not RolledBack within .* s: Promoted"):
        _watch([asked], Phase.ROLLED_BACK, seconds=-1.0)


def test_another_end_than_the_wanted_one_is_told_with_its_numbers(rollback: list[Scene]) -> None:
    with pytest.raises(StuckError, match=r"should have been Promoted: RolledBack .* against it"):
        _watch(rollback, Phase.PROMOTED)
