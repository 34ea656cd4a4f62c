"""The processes of a pod on the real node, which are processes of this machine."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def kill(pod_uid: str, program: str) -> int:
    """SIGKILLs what runs a program in a pod, which says goodbye to nobody; returns how many."""
    found = [pid for pid in _of_pod(pod_uid) if program in _command(pid)]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


def _of_pod(uid: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if uid in (entry / "cgroup").read_text():
                yield int(entry.name)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
