"""The command: python -m hack.demo."""

import argparse
import fcntl
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hack.cluster.binaries import ROOT, BuildError
from hack.cluster.folder import BusyError
from hack.cluster.process import DiedError
from hack.cluster.site import CommandError
from hack.demo import picture
from hack.demo.live import NoAnswerError
from hack.demo.screen import Screen
from hack.demo.stage import NAME, NAMESPACE, Stage
from hack.demo.story import tell
from hack.demo.watch import StuckError

FOLDERS = ROOT / ".cluster"
INTERRUPTED = 130
_FAILURES = (DiedError, NoAnswerError, BuildError, BusyError, CommandError, TimeoutError)


def main() -> int:
    """Plays the demo; 0 it went as it should, 1 it did not, 130 it was interrupted."""
    arguments = _parser().parse_args()
    screen = Screen(plain=arguments.plain)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        folder = FOLDERS / (f"demo-{arguments.name}" if arguments.name else "demo")
        with _alone(folder):
            return _play(Stage(folder, screen.say), screen, arguments)
    except BusyError as error:
        screen.say(f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.demo",
        description="Promotes a good model and takes a faulty one back, on a real cluster.",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    parser.add_argument("--short", action="store_true", help="shorter steps; the same evidence")
    parser.add_argument("--plain", action="store_true", help="lines instead of a live view")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write an SVG of this run")
    parser.add_argument("--name", type=_name, help="another demo beside this one")
    return parser


def _name(text: str) -> str:
    if not re.fullmatch("[a-z0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not made of small letters and digits")
    return text


def _play(stage: Stage, screen: Screen, arguments: argparse.Namespace) -> int:
    code, kept = 1, False
    try:
        if stage.cluster.exists():
            screen.say(f"taking away what an earlier demo left in {stage.cluster.folder}")
            stage.cluster.down()
        told = tell(stage, screen, short=arguments.short, keep=arguments.keep)
        if arguments.picture:
            scenes = (told.promotion[0], told.rollback[0])
            picture.write(arguments.picture, scenes, told.summary)
        screen.say("\n".join(("", *told.summary)))
        code, kept = 0, arguments.keep
    except StuckError as error:
        screen.say(f"error: {error}\n{stage.operator.said('decides that')}")
    except _FAILURES as error:
        screen.say(f"error: {error}")
    except KeyboardInterrupt:
        screen.say("interrupted")
        code = INTERRUPTED
    finally:
        _end(stage, screen, kept=kept)
    return code


def _end(stage: Stage, screen: Screen, *, kept: bool) -> None:
    """Takes everything away, or says how to look at it and how to take it away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # half an end would leave processes behind
    stage.close()
    if kept:
        cluster = f"{sys.executable} -m hack.cluster --name {stage.cluster.folder.name}"
        screen.say(
            f"\nall of it still runs; the traffic ends by itself. To look:\n"
            f'  eval "$({cluster} env)"\n'
            f"  kubectl get modelcanaries -n {NAMESPACE}\n"
            f"  kubectl describe modelcanary {NAME} -n {NAMESPACE}\n"
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


if __name__ == "__main__":
    sys.exit(main())
