"""The demo on the real cluster: it ends well, and however it ends it leaves nothing behind."""

import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.cluster import PARTS, Cluster
from hack.cluster.process import Process, started_for
from hack.demo.stage import PROGRAMS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def name() -> Iterator[str]:
    """A name of this test's own; what a failed test left is taken away."""
    needed = (binary for program in PROGRAMS for binary in PARTS[program].binaries)
    missing = [binary for binary in needed if binaries.find(binary) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing: python -m hack.cluster build, then test again")
    chosen = secrets.token_hex(4)
    yield chosen
    Cluster(_folder(chosen)).down()
    _folder(chosen).with_suffix(".playing").unlink(missing_ok=True)


def _folder(name: str) -> Path:
    return binaries.ROOT / ".cluster" / f"demo-{name}"


@contextmanager
def _playing(name: str) -> Iterator["subprocess.Popen[str]"]:
    """The short form, as a process."""
    command = [sys.executable, "-m", "hack.demo", "--short", "--name", name]
    with subprocess.Popen(
        command, cwd=binaries.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        try:
            yield demo
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGTERM)


def _until(demo: "subprocess.Popen[str]", said: str) -> None:
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if said in line:
            return
    pytest.fail(f"it ended without {said!r}:\n{''.join(lines)}")


def _nothing_is_left(name: str) -> bool:
    return not _folder(name).exists() and not list(started_for(_folder(name)))


def test_a_good_version_is_promoted_and_a_faulty_one_rolled_back(name: str) -> None:
    with _playing(name) as demo:
        told, _ = demo.communicate(timeout=480)
    assert demo.returncode == 0, told
    promoted = re.search(r"version 2 was promoted .* evidence ([0-9.]+) of 20", told)
    assert promoted, told
    assert float(promoted[1]) >= 20
    back = re.search(r"version 3 was rolled back: ([0-9.]+) s .* ([0-9]+) of its ([0-9]+)", told)
    assert back, told
    assert 0 < int(back[2]) < int(back[3])
    assert _nothing_is_left(name)


def test_interrupted_it_takes_everything_away(name: str) -> None:
    with _playing(name) as demo:
        _until(demo, "Adopted")
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, told
    assert "interrupted" in told
    assert _nothing_is_left(name)


def test_a_part_that_dies_is_named_with_its_last_log_lines(name: str) -> None:
    with _playing(name) as demo:
        _until(demo, "Adopted")
        Process("operator", _folder(name)).stop(grace=0.0)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1, told
    assert "error: operator died; " in told
    assert "operator.log ends with:\n  " in told
    assert _nothing_is_left(name)
