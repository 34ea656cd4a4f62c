"""Shows scenes: redrawn in place on a terminal, else as a line for each change."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

_QUIET = 15.0
"""Seconds after which a plain line is due although nothing has changed."""


class Event(Protocol):
    """One line of what happened."""

    @property
    def reason(self) -> str:
        """What was decided."""

    @property
    def message(self) -> str:
        """The numbers it was decided on."""


class Scene(Protocol):
    """What every demo shows at one moment."""

    @property
    def seconds(self) -> float:
        """Since the traffic began."""

    @property
    def events(self) -> Sequence[tuple[float, Event]]:
        """What was told so far with its second, oldest first."""


S = TypeVar("S", bound=Scene)


@dataclass(frozen=True)
class Art(Generic[S]):
    """How the scenes of one demo are shown."""

    draw: Callable[[S], RenderableType]
    line: Callable[[S], str]
    news: Callable[[S], object]
    """What a plain line is due for when it changes."""


class Screen(Generic[S]):
    """What the reader sees; ``with`` it open scenes are drawn, and lines go above them."""

    def __init__(self, art: Art[S], *, plain: bool) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._art = art
        self._live: Live | None = None
        self._plain = plain or not self.console.is_terminal
        self._news: object = None
        self._events = 0
        self._spoke = 0.0

    def say(self, line: str) -> None:
        """One line, which stays."""
        self.console.print(line, markup=False)

    def show(self, scene: S) -> None:
        """The scene, in place of the one before."""
        if self._live is not None:
            self._live.update(self._art.draw(scene), refresh=True)
        else:
            self._tell(scene)

    def _tell(self, scene: S) -> None:
        for second, event in scene.events[self._events :]:
            self.say(f"{second:5.0f} s  {event.reason}: {event.message}")
        news = self._art.news(scene)
        due = news != self._news or len(scene.events) > self._events
        if due or time.monotonic() - self._spoke > _QUIET:
            self.say(f"{scene.seconds:5.0f} s  {self._art.line(scene)}")
            self._spoke = time.monotonic()
        self._news, self._events = news, len(scene.events)

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
