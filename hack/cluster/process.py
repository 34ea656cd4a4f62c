"""Starts, finds and stops one background program by a pid file that a recycled pid cannot fool."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TAIL = 20
MARK = "MODELYARD_CLUSTER_FOLDER"


class DiedError(Exception):
    """A part is not running or not ready; the message names it and ends with its last log lines."""


@dataclass(frozen=True)
class Process:
    """One program of a cluster: ``run/`` says which process it is, ``log/`` what it said."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log" / f"{self.name}.log"

    @property
    def _pidfile(self) -> Path:
        return self.folder / "run" / f"{self.name}.json"

    def pid(self) -> int | None:
        """The pid, or None when the program is not running, a zombie included."""
        try:
            noted = json.loads(self._pidfile.read_text())
        except FileNotFoundError:
            return None
        pid = int(noted["pid"])
        return pid if _born(pid) == noted["born"] else None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Starts the program in a session of its own and returns its pid; a running one is kept.

        The environment is exactly the one given, so that nothing of the caller's leaks in.
        """
        if (running := self.pid()) is not None:
            return running
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._pidfile.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / "tmp"  # what one that is killed leaves there goes with the cluster
        scratch.mkdir(exist_ok=True)
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            command[0],
            list(command),
            {**environment, MARK: str(self.folder), "TMPDIR": str(scratch)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), append, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGINT],
        )
        unfinished = self._pidfile.with_suffix(".tmp")
        unfinished.write_text(json.dumps({"pid": pid, "born": _born(pid)}))
        unfinished.replace(self._pidfile)
        return pid

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the program and its group; raises DiedError when it does not run."""
        pid = self.pid()
        if pid is None:
            raise DiedError(self.said("is not running"))
        _send(pid, number)

    def stop(self, grace: float = 15.0) -> None:
        """Ends the program: SIGTERM, then SIGKILL after ``grace`` seconds, at once for 0.

        One that does not run is no error.
        """
        pid = self.pid()
        if pid is not None:
            end([pid], grace)
        self._pidfile.unlink(missing_ok=True)

    def pause(self) -> None:
        """Stops it in its tracks (SIGSTOP), and returns once none of its threads runs any more.

        It keeps its connections and answers nothing. Raises TimeoutError if it cannot be stopped.
        """
        self.send(signal.SIGSTOP)
        deadline = time.monotonic() + 10.0
        while (pid := self.pid()) is not None and not _stands(pid):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} still runs after SIGSTOP")
            time.sleep(0.01)

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Returns once ``ready()``; raises DiedError when it ends or the seconds run out."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid() is None:
                raise DiedError(self.said("died"))
            if time.monotonic() > deadline:
                raise DiedError(self.said(f"was not ready within {seconds:.0f} s"))
            time.sleep(0.05)

    def said(self, what: str) -> str:
        """A sentence about this part, followed by the last lines of its log."""
        lines = self.tail()
        heard = "\n".join(f"  {line}" for line in lines) if lines else "  (its log is empty)"
        return f"{self.name} {what}; {self.log} ends with:\n{heard}"

    def tail(self, lines: int = TAIL) -> list[str]:
        """The last lines of the log, none when there is no log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 400 * lines))
                return log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []


def end(pids: Sequence[int], grace: float) -> None:
    """Ends processes, and the groups they lead, side by side.

    Raises TimeoutError should SIGKILL not be enough.
    """
    born = {pid: _born(pid) for pid in pids}
    steps = [(signal.SIGTERM, grace)] if grace else []
    for number, seconds in (*steps, (signal.SIGKILL, 10.0)):
        for pid in _left(born):
            _send(pid, number)
            _send(pid, signal.SIGCONT)
        deadline = time.monotonic() + seconds
        while _left(born) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not _left(born):
            return
    raise TimeoutError(f"processes {_left(born)} do not end, not even by SIGKILL")


def started_for(folder: Path) -> Iterator[int]:
    """Every process that was started for a cluster, with a pid file or without."""
    mark = f"{MARK}={folder}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def _send(pid: int, number: signal.Signals) -> None:
    """To the process or, where it leads a group, to all of its group.

    Never twice: a second SIGTERM makes Kubernetes' programs drop everything.
    """
    with suppress(ProcessLookupError):
        leads = os.getpgid(pid) == pid
        (os.killpg if leads else os.kill)(pid, number)


def _left(born: Mapping[int, str | None]) -> list[int]:
    return [pid for pid, when in born.items() if when is not None and _born(pid) == when]


def _stands(pid: int) -> bool:
    """Whether each of its threads is stopped: SIGSTOP is sent before they are."""
    try:
        states = [
            (thread / "stat").read_text().rpartition(")")[2].split()[0]
            for thread in Path(f"/proc/{pid}/task").iterdir()
        ]
    except (FileNotFoundError, ProcessLookupError):  # one that still ran has just ended
        return False
    return all(state in "TtZX" for state in states)


def _born(pid: int) -> str | None:
    """What tells this process from a later one of the same pid; None when there is none alive."""
    with suppress(ChildProcessError):  # ours: a zombie until it is waited for
        os.waitpid(pid, os.WNOHANG)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces: proc(5)
    state, ticks_since_boot = fields[0], fields[19]
    return None if state in "ZX" and not _has_threads(pid) else ticks_since_boot


def _has_threads(pid: int) -> bool:
    """Whether any is left but the first, which is a zombie while they end and hold its ports."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False
