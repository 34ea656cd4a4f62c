"""Which requests go wrong, and how: may be changed at any time, from any thread."""

import random
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hack.faults.effects import AT_ANY_TIME, EventEffect, RequestEffect


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    watch: bool = False

    def __str__(self) -> str:
        return f"{'WATCH' if self.watch else self.method} {self.path}"


@dataclass(frozen=True)
class Fault:
    """An effect and which calls it befalls."""

    name: str
    effect: RequestEffect | EventEffect
    calls: str = ""
    """A regular expression that is found in ``METHOD /path``, or ``WATCH /path``."""
    line: str = ""
    """Of an event: a regular expression that is found in its JSON."""
    chance: float = 1.0
    times: int | None = None
    """How often at most; None: as long as it is played."""

    def befalls(self, call: Call, line: bytes = b"") -> bool:
        """Whether it may happen to this call, or to this event of a watch."""
        found = re.search(self.calls, str(call)) is not None
        return found and (not self.line or re.search(self.line, line.decode()) is not None)


@dataclass
class _Playing:
    fault: Fault
    left: float
    happened: int = 0


@dataclass
class Script:
    """The faults of the moment, chosen by the numbers of ``seed``."""

    seed: int
    happened: Counter[str] = field(default_factory=Counter)
    """How often each fault has, by its name."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(self.seed)
        self._playing: list[_Playing] = []
        self._in_turn = False

    def play(self, *faults: Fault, in_turn: bool = False) -> None:
        """From now on these faults and no others, the first that fits.

        ``in_turn``: each only when the one before it has happened as often as it may.
        """
        with self._lock:
            self._playing = [
                _Playing(one, float("inf") if one.times is None else one.times) for one in faults
            ]
            self._in_turn = in_turn

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.play()

    def left(self) -> Sequence[str]:
        """The names of the faults that may still happen."""
        with self._lock:
            return [one.fault.name for one in self._playing if one.left > 0]

    def request(self, call: Call) -> RequestEffect | None:
        """What happens to a request, or None."""
        with self._lock:
            for one in self._now():
                effect = one.fault.effect
                if not isinstance(effect, RequestEffect) or not one.fault.befalls(call):
                    continue
                if self._strikes(one):
                    return effect
        return None

    def event(self, call: Call, line: bytes) -> EventEffect | None:
        """What happens to an event of a watch or, where ``line`` is empty, to a watch at rest."""
        with self._lock:
            for one in self._now():
                effect = one.fault.effect
                if not isinstance(effect, EventEffect) or not one.fault.befalls(call, line):
                    continue
                fits = bool(line) and b'"type":"BOOKMARK"' not in line
                if (fits or isinstance(effect, AT_ANY_TIME)) and self._strikes(one):
                    return effect
        return None

    def _now(self) -> list[_Playing]:
        left = [one for one in self._playing if one.left > 0]
        return left[:1] if self._in_turn else left

    def _strikes(self, one: _Playing) -> bool:
        if self._random.random() >= one.fault.chance:
            return False
        one.left -= 1
        self.happened[one.fault.name] += 1
        return True
