"""A background program is found by who it is, not by its number, and always ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.process import MARK, DiedError, Process, end, started_for
from hack.cluster.site import environment

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(60)"
)

# As one that was killed is for a moment, while its threads still end and hold its ports.
HEADLESS = (
    "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); "
    "print('gone', flush=True); ctypes.CDLL(None).pthread_exit(None)"
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    yield Process("part", tmp_path)
    end(list(started_for(tmp_path)), grace=0.0)


def start(process: Process, *command: str) -> int:
    return process.start([sys.executable, "-c", *command], environment({}))


def test_it_is_started_once_and_its_pid_is_known_to_others(process: Process) -> None:
    pid = start(process, "import time; time.sleep(60)")
    assert start(process, "raise SystemExit") == pid
    assert Process("part", process.folder).pid() == pid
    process.stop()
    assert process.pid() is None
    process.stop()


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(process: Process) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (process.folder / "run").mkdir()
        note = json.dumps({"pid": other.pid, "born": "1"})
        (process.folder / "run" / "part.json").write_text(note)
        assert process.pid() is None
        process.stop()
        assert other.poll() is None
        other.communicate(b"\n", timeout=30)


def test_what_ignores_sigterm_is_killed(process: Process) -> None:
    start(process, STUBBORN)
    process.await_ready(lambda: process.tail() == ["deaf"], seconds=30)
    process.stop(grace=0.2)
    assert list(started_for(process.folder)) == []


def test_one_whose_first_thread_has_ended_is_there_until_the_others_have(process: Process) -> None:
    pid = start(process, HEADLESS)
    process.await_ready(lambda: process.tail() == ["gone"], seconds=30)
    state = Path(f"/proc/{pid}/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert process.pid() == pid
    process.stop(grace=0.0)
    assert process.pid() is None
    assert not Path(f"/proc/{pid}").exists()


def test_what_dies_is_named_with_its_last_twenty_lines(process: Process) -> None:
    start(process, "print(*range(100), sep='\\n')")
    with pytest.raises(DiedError, match=r"part died; .*log ends with:\n  80\n(.|\n)*  99$"):
        process.await_ready(lambda: False, seconds=30)


def test_what_is_never_ready_is_named_too(process: Process) -> None:
    start(process, "import time; time.sleep(60)")
    with pytest.raises(DiedError, match=r"was not ready within 0 s.*\n  \(its log is empty\)"):
        process.await_ready(lambda: False, seconds=0.1)


def test_nothing_of_the_callers_environment_leaks_in(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/caller")
    start(process, "import os; print(sorted(os.environ))")
    with pytest.raises(DiedError):
        process.await_ready(lambda: False, seconds=30)
    assert "KUBECONFIG" not in process.tail()[0]
    assert MARK in process.tail()[0]


def test_this_very_process_is_never_among_those_of_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    assert os.getpid() not in list(started_for(tmp_path))
