"""Runs one long command of an image's build, in name spaces of its own where it is root's."""

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster.binaries import BuildError, Progress

_TAIL = 30
# What a build mounts, and every process that it starts, is gone with it, however it ends.
_ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# buildah as root keeps notes on blobs there, whatever folder it is given for its store.
_NOTES = Path("/var/lib/containers")
_HIDDEN = f'mount -t tmpfs none {_NOTES} && exec "$@"'


def run(
    command: Sequence[str], progress: Progress, what: str, environment: Mapping[str, str]
) -> None:
    """Runs a command to its end, with ``what`` as the line that is shown.

    Raises BuildError with its last lines when it fails.
    """
    with tempfile.TemporaryFile("w+") as log, progress.step(what) as tick:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            while process.poll() is None:
                tick()
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(timeout=30)
        if process.returncode:
            log.seek(0)
            tail = "".join(log.readlines()[-_TAIL:])
            raise BuildError(f"{what} failed: {command[0]} ended with its last lines\n{tail}")


def run_alone(
    command: Sequence[str], progress: Progress, what: str, environment: Mapping[str, str]
) -> None:
    """The same as root, in which nothing is left mounted or running and no store outside ours."""
    made = not _NOTES.exists()
    _NOTES.mkdir(parents=True, exist_ok=True)
    try:
        run([*_ALONE, "sh", "-ec", _HIDDEN, "sh", *command], progress, what, environment)
    finally:
        if made:
            _NOTES.rmdir()
