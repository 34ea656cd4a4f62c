"""Which answers of a running load were late, all in all and in the peak."""

from collections import deque
from pathlib import Path

from hack.cluster.traffic import Answer
from hack.demo.answers import Answers

LIMIT = 1.5
"""Seconds: a wait of one, and a service that takes 0.4 as a rule."""
WINDOW = 5.0
"""Seconds that count as lately."""


def late(answer: Answer) -> bool:
    """Whether it took longer than ``LIMIT``, was a server error or never came."""
    return answer.seconds > LIMIT or not 0 < answer.status < 500


class Waits:
    """What was answered so far; ``read`` brings it up to date."""

    def __init__(self, file: Path, begins: float, ends: float) -> None:
        """``begins`` and ``ends`` of the peak, by the monotonic clock."""
        self._answers = Answers(file)
        self._peak = begins, ends
        self._lately: deque[Answer] = deque()
        self.answers = self.late = 0
        self.peak_answers = self.peak_late = 0
        """Of those that were sent in the peak."""

    def read(self) -> None:
        """Takes the answers that came since."""
        for answer in self._answers.new():
            self._lately.append(answer)
            self.answers += 1
            self.late += late(answer)
            if self._peak[0] <= answer.clock - answer.seconds < self._peak[1]:
                self.peak_answers += 1
                self.peak_late += late(answer)

    def lately(self, now: float) -> tuple[float, float]:
        """Of the answers in the window before ``now``: the share that was late, and how slow.

        Slow is the time in seconds that one of twenty took longer than; twice 0 without answers.
        """
        while self._lately and self._lately[0].clock < now - WINDOW:
            self._lately.popleft()
        if not self._lately:
            return 0.0, 0.0
        times = sorted(answer.seconds for answer in self._lately)
        share = sum(map(late, self._lately)) / len(times)
        return share, times[int(0.95 * (len(times) - 1))]
