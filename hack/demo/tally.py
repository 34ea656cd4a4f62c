"""Counts the answers of a running load by version, from its file as it grows."""

from collections import Counter, deque
from pathlib import Path

from hack.cluster.traffic import Answer
from hack.demo.answers import Answers

WINDOW = 5.0
"""Seconds that a rate is taken over."""


def bad(answer: Answer) -> bool:
    """Whether it was a server error, or there was no answer at all."""
    return not 0 < answer.status < 500


class Tally:
    """What was answered so far; ``read`` brings it up to date."""

    def __init__(self, file: Path) -> None:
        self._answers = Answers(file)
        self._lately: deque[Answer] = deque()
        self.answers: Counter[str] = Counter()
        """Answers by version; those that no model gave are under the empty one."""
        self.bad: Counter[str] = Counter()
        """Of these the bad ones."""
        self.first_bad: dict[str, float] = {}
        """When each version first gave a bad answer, by the monotonic clock."""

    def read(self) -> None:
        """Takes the answers that came since."""
        for answer in self._answers.new():
            self._count(answer)

    def _count(self, answer: Answer) -> None:
        self._lately.append(answer)
        self.answers[answer.version] += 1
        if bad(answer):
            self.bad[answer.version] += 1
            self.first_bad.setdefault(answer.version, answer.clock)

    def rates(self, version: str, now: float) -> tuple[float, float]:
        """Answers and bad answers a second in the window before ``now`` (monotonic clock)."""
        while self._lately and self._lately[0].clock < now - WINDOW:
            self._lately.popleft()
        found = [answer for answer in self._lately if answer.version == version]
        return len(found) / WINDOW, sum(map(bad, found)) / WINDOW
