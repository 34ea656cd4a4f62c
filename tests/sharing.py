"""One cluster for all workers of a test run, up for as long as one of them needs it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hack.cluster.cluster import Cluster


def _nothing(_: Path) -> None:
    pass


@contextmanager
def shared(
    runs: Path, up: Callable[[Cluster], Cluster], farewell: Callable[[Path], None] = _nothing
) -> Iterator[Cluster]:
    """The cluster of this run in ``runs``, which ``up`` brings up and whose ``farewell`` is last.

    It is up as long as a worker of the run holds a shared lock on it. A lock and no count: a worker
    that is killed gives its lock up too. The clusters of runs that were killed are taken away.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"pid{os.getpid()}")
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.glob("*.users"):
        with suppress(FileNotFoundError), left.open("r+") as file:
            _down_if_last(file.fileno(), left, _nothing)
    folder = runs / run[:16]
    users = folder.with_suffix(".users")
    while True:
        with users.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if not _same(file.fileno(), users):
                continue  # the last worker of before has just taken it away
            try:
                yield up(Cluster(folder))
            finally:
                _down_if_last(file.fileno(), users, farewell)
            return


def _same(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False


def _down_if_last(descriptor: int, users: Path, farewell: Callable[[Path], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    folder = users.with_suffix("")
    try:
        farewell(folder)
    finally:
        Cluster(folder).down()
        users.unlink(missing_ok=True)
