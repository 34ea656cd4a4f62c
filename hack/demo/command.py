"""What the commands of all demos have in common: their options, and that they leave nothing."""

import argparse
import fcntl
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from hack.cluster.binaries import ROOT, BuildError
from hack.cluster.cluster import Cluster
from hack.cluster.folder import BusyError
from hack.cluster.process import DiedError, Process
from hack.cluster.site import CommandError
from hack.demo.live import NoAnswerError
from hack.demo.watch import StuckError

FOLDERS = ROOT / ".cluster"
INTERRUPTED = 130
_FAILURES = (DiedError, NoAnswerError, BuildError, BusyError, CommandError, TimeoutError)


class Stage(Protocol):
    """What a demo plays on."""

    cluster: Cluster

    @property
    def operator(self) -> Process:
        """The operator's process."""

    def close(self) -> None:
        """Ends what was opened in this process; everything else goes on."""


@dataclass(frozen=True)
class Demo:
    """One demo: its program, the name of its folder, and how to look at what it leaves."""

    program: str
    description: str
    short: str
    """What its short form is."""
    folder: str
    looks: tuple[str, ...]


def parser(demo: Demo) -> argparse.ArgumentParser:
    """The options of every demo."""
    parser = argparse.ArgumentParser(prog=f"python -m {demo.program}", description=demo.description)
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    parser.add_argument("--short", action="store_true", help=demo.short)
    parser.add_argument("--plain", action="store_true", help="lines instead of a live view")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write an SVG of this run")
    parser.add_argument("--name", type=_name, help="another demo beside this one")
    return parser


def folder(demo: Demo, name: str | None) -> Path:
    """Where a demo of that name has its cluster."""
    return FOLDERS / (f"{demo.folder}-{name}" if name else demo.folder)


def play(
    demo: Demo,
    stage: Stage,
    say: Callable[[str], None],
    tell: Callable[[], Sequence[str]],
    *,
    keep: bool,
) -> int:
    """Plays the demo that ``tell`` is, and says the lines it returns.

    The exit status: 0 it went as it should, 1 it did not, 130 it was interrupted.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with _alone(stage.cluster.folder):
            return _play(demo, stage, say, tell, keep=keep)
    except BusyError as error:
        say(f"error: {error}")
        return 1


def _name(text: str) -> str:
    if not re.fullmatch("[a-z0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not made of small letters and digits")
    return text


def _play(
    demo: Demo,
    stage: Stage,
    say: Callable[[str], None],
    tell: Callable[[], Sequence[str]],
    *,
    keep: bool,
) -> int:
    code, kept = 1, False
    try:
        if stage.cluster.exists():
            say(f"taking away what an earlier demo left in {stage.cluster.folder}")
            stage.cluster.down()
        say("\n".join(("", *tell())))
        code, kept = 0, keep
    except StuckError as error:
        say(f"error: {error}\n{stage.operator.said('decides that')}")
    except _FAILURES as error:
        say(f"error: {error}")
    except KeyboardInterrupt:
        say("interrupted")
        code = INTERRUPTED
    finally:
        _end(demo, stage, say, kept=kept)
    return code


def _end(demo: Demo, stage: Stage, say: Callable[[str], None], *, kept: bool) -> None:
    """Takes everything away, or says how to look at it and how to take it away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # half an end would leave processes behind
    stage.close()
    if kept:
        cluster = f"{sys.executable} -m hack.cluster --name {stage.cluster.folder.name}"
        looks = "\n".join(f"  {look}" for look in demo.looks)
        say(
            f"\nall of it still runs; the traffic ends by itself. To look:\n"
            f'  eval "$({cluster} env)"\n{looks}\n'
            f"To end it:\n  {cluster} down"
        )
    else:
        stage.cluster.down()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this demo; raises BusyError where another one plays in it."""
    lock = folder.with_suffix(".playing")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"another demo plays in {folder}: wait for it or give --name") from None
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
