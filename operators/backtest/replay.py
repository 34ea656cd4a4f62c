"""How a back-test goes: instant by instant, with what was known at each, to the report."""

from collections.abc import Mapping
from typing import Protocol

from controllers.readings import Query
from operators.backtest.recording import Keep, Progress, Recording
from operators.backtest.report import Report


class BacktestError(Exception):
    """Why there is no back-test; the message names what is wrong and the fix."""


class Run(Protocol):
    """What a kind provides to be back-tested: one object in a world that follows its decisions."""

    @property
    def step(self) -> int:
        """Seconds between two decisions, which fall on its multiples."""
        ...

    def wants(self, at: int) -> Mapping[Query, Keep]:
        """What the decision at ``at`` (unix seconds) reads from history."""
        ...

    def lacks(self, history: Recording, at: range) -> str:
        """Why the history is of no use, and what to do; empty: it is."""
        ...

    def decide(self, at: int, history: Recording) -> None:
        """Brings its world to ``at``, decides there and carries the decision out."""
        ...

    def report(self, history: Recording) -> Report:
        """What came of it."""
        ...


def instants(since: float, until: float, step: int) -> range:
    """The instants of decisions between two times; BacktestError where there are not two."""
    found = range(-(-int(since) // step) * step, int(until) + 1, step)
    if len(found) < 2:
        raise BacktestError(f"--from and --to are less than two steps of {step} s apart")
    return found


async def replay(run: Run, history: Recording, at: range, progress: Progress) -> Report:
    """Decides at each instant with nothing but what had happened by then."""
    await history.read(run.wants(at[0]))
    if lack := run.lacks(history, at):
        raise BacktestError(lack)
    for place, now in enumerate(at):
        await history.read(run.wants(now))
        run.decide(now, history)
        if place % 200 == 0 or now == at[-1]:
            progress("deciding", (place + 1) / len(at))
    return run.report(history)
