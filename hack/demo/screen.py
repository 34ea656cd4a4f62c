"""Shows scenes: redrawn in place on a terminal, else as a line for each change."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from controllers.api.modelcanary.status import GuardrailStatus
from hack.demo.scene import Scene
from hack.demo.view import draw

_QUIET = 15.0
"""Seconds after which a plain line is due although nothing has changed."""


class Screen:
    """What the reader sees; ``with`` it open scenes are drawn, and lines go above them."""

    def __init__(self, *, plain: bool) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._plain = plain or not self.console.is_terminal
        self._told: tuple[object, ...] = ()
        self._events = 0
        self._spoke = 0.0

    def say(self, line: str) -> None:
        """One line, which stays."""
        self.console.print(line, markup=False)

    def show(self, scene: Scene) -> None:
        """The scene, in place of the one before."""
        if self._live is not None:
            self._live.update(draw(scene), refresh=True)
        else:
            self._tell(scene)

    def _tell(self, scene: Scene) -> None:
        clock = f"{scene.seconds:5.0f} s  "
        for second, event in scene.events[self._events :]:
            self.say(f"{second:5.0f} s  {event.reason}: {event.message}")
        told = tuple(arm.weight for arm in scene.arms.values()), scene.status.phase
        news = told != self._told or len(scene.events) > self._events
        if news or time.monotonic() - self._spoke > _QUIET:
            self.say(clock + line(scene))
            self._spoke = time.monotonic()
        self._told, self._events = told, len(scene.events)

    def __enter__(self) -> Self:
        if not self._plain:
            self._live = Live(console=self.console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def line(scene: Scene) -> str:
    """A scene in one line."""
    arms = (
        f"{name} (version {arm.version}) {arm.weight} %, {arm.rate:.0f}/s, "
        f"{arm.bad} of {arm.answers} bad"
        for name, arm in scene.arms.items()
    )
    found = (_found(one) for one in scene.status.guardrails)
    return "; ".join((scene.status.phase.value, *arms, *found))


def _found(one: GuardrailStatus) -> str:
    against, favour = one.rollback_evidence or 0.0, one.certify_evidence or 0.0
    return f"{one.name} {one.state}, evidence against {against:.3g}, for {favour:.3g}"
