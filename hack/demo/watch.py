"""Looks again and again until a release has ended as it should."""

import time
from collections.abc import Callable

from controllers.api.modelcanary.status import Phase
from hack.demo.scene import Scene

LOOK = 0.25
"""Seconds between two looks."""

_ENDS = {Phase.PROMOTED: 100, Phase.ROLLED_BACK: 0}
"""How a run may end, and the released arm's weight that Envoy, a moment later, has then."""


class StuckError(Exception):
    """A release did not end as it should, or not in time; the message says where it stands."""


def watch(
    look: Callable[[], Scene],
    show: Callable[[Scene], None],
    *,
    wanted: Phase,
    telling: Callable[[Scene], bool],
    seconds: float,
) -> tuple[Scene, Scene]:
    """Shows scene after scene until the released arm has, at Envoy, what ``wanted`` gives it.

    Returns the first ``telling`` scene of this release (the last one where none was) and the last
    one. Raises StuckError when the release ends otherwise or not within the seconds.
    """
    deadline = time.monotonic() + seconds
    kept: Scene | None = None
    while True:
        scene = look()
        show(scene)
        if _judged(scene):
            phase = scene.status.phase
            if phase in _ENDS and phase is not wanted:
                raise StuckError(f"this should have been {wanted}: {_stands(scene)}")
            if kept is None and telling(scene):
                kept = scene
            if scene.arms[scene.spec.release.arm].weight == _ENDS.get(phase):
                return kept or scene, scene
        if time.monotonic() > deadline:
            raise StuckError(f"not {wanted} within {seconds:.0f} s: {_stands(scene)}")
        time.sleep(LOOK)


def _judged(scene: Scene) -> bool:
    """Whether the status is about the release that the spec names now."""
    candidate, release = scene.status.candidate, scene.spec.release
    return candidate is not None and (candidate.arm, candidate.version) == (
        release.arm,
        release.version,
    )


def _stands(scene: Scene) -> str:
    status = scene.status
    conditions = (
        f"\n  {one.type}={one.status} {one.reason} {one.message}" for one in status.conditions
    )
    return f"{status.phase} ({status.reason}): {status.message}{''.join(conditions)}"
