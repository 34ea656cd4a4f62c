"""What may befall one request, or one event of a watch."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Hang:
    """No answer, for as long as the caller waits."""

    carried_out: bool = False
    """Whether the server gets the request nevertheless, so that only its answer is lost."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset (RST) in place of an answer."""

    carried_out: bool = False


@dataclass(frozen=True)
class Refused:
    """Another answer than the server's; without ``body`` a Status object as Kubernetes has it."""

    status: int
    retry_after: int = 0
    """Seconds in the header Retry-After; 0: no such header."""
    body: bytes = b""
    content_type: str = "application/json"
    carried_out: bool = False


@dataclass(frozen=True)
class Slow:
    """The head of the server's answer comes byte by byte, for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Truncated:
    """The server's answer ends after half of its announced length."""


@dataclass(frozen=True)
class Rewritten:
    """The body of the server's answer, changed."""

    change: Callable[[bytes], bytes]


@dataclass(frozen=True)
class WatchError:
    """An event of type ERROR with this code, and the end of the watch."""

    code: int


@dataclass(frozen=True)
class Stall:
    """Nothing more comes for so many seconds, though the connection stands."""

    seconds: float


@dataclass(frozen=True)
class Twice:
    """An event comes twice."""


@dataclass(frozen=True)
class Dropped:
    """An event never comes."""


@dataclass(frozen=True)
class Late:
    """An event comes after the one that follows it."""


Lost = Hang | Reset | Refused
"""What takes the place of the server's answer."""
RequestEffect = Lost | Slow | Truncated | Rewritten
EventEffect = WatchError | Stall | Twice | Dropped | Late
AT_ANY_TIME = (WatchError, Stall)
"""What befalls a watch though there is no event."""
