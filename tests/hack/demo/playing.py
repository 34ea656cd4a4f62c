"""A demo as a process of its own, and what it leaves behind."""

import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.cluster import PARTS, Cluster
from hack.cluster.process import started_for


@contextmanager
def playing(program: str, name: str) -> Iterator["subprocess.Popen[str]"]:
    """The short form, as a process."""
    command = [sys.executable, "-m", program, "--short", "--name", name]
    with subprocess.Popen(
        command, cwd=binaries.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=_interruptible,  # noqa: PLW1509 - nothing else runs in this process
    ) as demo:  # fmt: skip
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGTERM)


@contextmanager
def named(folder: Callable[[str], Path], programs: Iterable[str]) -> Iterator[str]:
    """A name of a test's own; what is left in the folder of a failed one is taken away."""
    needed = (binary for program in programs for binary in PARTS[program].binaries)
    missing = [binary for binary in needed if binaries.find(binary) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing: python -m hack.cluster build, then test again")
    chosen = secrets.token_hex(4)
    yield chosen
    Cluster(folder(chosen)).down()
    folder(chosen).with_suffix(".playing").unlink(missing_ok=True)


def _interruptible() -> None:
    """Tests that run in the background of a shell ignore Ctrl-C, and what they start would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(demo: "subprocess.Popen[str]", said: str) -> None:
    """Returns once the demo has said so; fails if it ends without."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if said in line:
            return
    pytest.fail(f"it ended without {said!r}:\n{''.join(lines)}")


def nothing_is_left(folder: Path) -> bool:
    """Whether the demo's folder and all that was started for it are gone."""
    return not folder.exists() and not list(started_for(folder))
