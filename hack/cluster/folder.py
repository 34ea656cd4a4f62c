"""The state folder of a cluster: one lock, atomic files, and its share of ports and addresses."""

import fcntl
import json
import os
import random
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hack.cluster.binaries import cache

# Below Linux' ephemeral range (32768 up), so that no outgoing connection ever takes one.
_FIRST_PORT, _PORTS_EACH, _SLOTS = 10_000, 60, 370


class BusyError(Exception):
    """Another command works on the same folder, or no port is left; the message says which."""


@contextmanager
def locked(folder: Path, seconds: float = 120.0) -> Iterator[None]:
    """Holds the folder's lock; it is made if need be. Raises BusyError after ``seconds``.

    ``remove`` may take the folder away while another waits for its lock: who then gets the lock of
    a file that is no longer there tries again.
    """
    deadline = time.monotonic() + seconds
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError), (folder / "lock").open("a") as file:
            _lock(file.fileno(), deadline, folder)
            if os.fstat(file.fileno()).st_ino == (folder / "lock").stat().st_ino:
                yield
                return


def _lock(descriptor: int, deadline: float, folder: Path) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyError(
                    f"another command holds {folder}/lock; wait for it to end"
                ) from None
            time.sleep(0.05)
        else:
            return


def remove(folder: Path) -> None:
    """Takes the folder and all in it away; its lock is to be held. None there is no error."""
    going = folder.with_name(f".{folder.name}.{os.getpid()}.gone")
    try:
        folder.rename(going)
    except FileNotFoundError:
        return
    shutil.rmtree(going)


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    """Writes a file so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(unfinished, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
    unfinished.replace(path)
    return path


def claim(folder: Path) -> int:
    """A number that no other cluster of this user on this machine has: its share of ports.

    A cluster whose folder is gone has lost its claim, however it went.
    """
    registry = cache() / "clusters.json"
    registry.parent.mkdir(parents=True, exist_ok=True)
    with registry.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, int] = json.loads(registry.read_text()) if registry.is_file() else {}
        claims = {path: slot for path, slot in known.items() if Path(path).is_dir()}
        if str(folder) not in claims:
            free = sorted(set(range(_SLOTS)) - set(claims.values()))
            if not free:
                raise BusyError(
                    f"{len(claims)} clusters run: end one with python -m hack.cluster down"
                )
            claims[str(folder)] = random.choice(free)
        write(registry, json.dumps(claims))
        return claims[str(folder)]


def free_port(slot: int, taken: set[int]) -> int:
    """A port of this claim on which nothing listens, on any address, and not one of ``taken``."""
    first = _FIRST_PORT + slot * _PORTS_EACH
    for port in range(first, first + _PORTS_EACH):
        if port not in taken and _is_free(port):
            return port
    raise BusyError(f"no port is free from {first} to {first + _PORTS_EACH - 1}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def address(slot: int, host: int) -> str:
    """A loopback address of this claim; ``host`` from 1 to 254."""
    return f"127.{100 + slot // 250}.{1 + slot % 250}.{host}"
