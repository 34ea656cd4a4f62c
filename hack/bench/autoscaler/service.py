"""What is scaled: a service whose replicas hold so many requests, each for so long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A replica has ``slots``; a request holds one of them for ``seconds``."""

    slots: int = 32
    seconds: int = 4
    allowed: int = 2
    """How many seconds a request may wait for its slot."""

    @property
    def rate(self) -> float:
        """Requests per second that one saturated replica completes."""
        return self.slots / self.seconds
