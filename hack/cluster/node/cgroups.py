"""The cgroups of a real node's pods, and the end of every process in them."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hack.cluster.process import end

_ROOT = Path("/sys/fs/cgroup")


def name(folder: Path) -> str:
    """The name of the node's cgroup, which tells it from that of any other cluster's node."""
    return f"modelyard-{key(folder)}"


def key(folder: Path) -> str:
    """Eight letters that stand for the folder of a cluster where its path is too long."""
    return hashlib.sha256(str(folder).encode()).hexdigest()[:8]


def create(name: str) -> None:
    """Makes the cgroup, in each hierarchy of version 1 or the one of version 2."""
    if (_ROOT / "cgroup.controllers").is_file():
        (_ROOT / name).mkdir(exist_ok=True)
        _hand_down()
        return
    for hierarchy in {path.resolve() for path in _ROOT.iterdir() if path.is_dir()}:
        (hierarchy / name).mkdir(exist_ok=True)
    _inherit_cpus(_ROOT / "cpuset" / name)


def _hand_down() -> None:
    """Lets the cgroups below the root of version 2 have each controller that kubelet asks for."""
    there = (_ROOT / "cgroup.controllers").read_text().split()
    below = _ROOT / "cgroup.subtree_control"
    asked = {"cpu", "cpuset", "hugetlb", "memory", "pids"}.intersection(there)
    if lacking := asked.difference(below.read_text().split()):
        below.write_text(" ".join(f"+{controller}" for controller in sorted(lacking)))


def _inherit_cpus(cpuset: Path) -> None:
    """Version 1 gives a new cpuset no processor and no memory, and nothing runs in such a one."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (cpuset / setting).is_file():
            (cpuset / setting).write_text((cpuset.parent / setting).read_text())


def exists(name: str) -> bool:
    return bool(_folders(name))


def remove(name: str, seconds: float = 20.0) -> None:
    """Ends every process in the cgroup and below it, and removes it; none there is no error.

    Raises TimeoutError with what is left.
    """
    deadline = time.monotonic() + seconds
    while folders := _folders(name):
        if pids := list(_members(folders)):
            end(pids, grace=0.0)
        for folder in folders:
            with suppress(OSError):  # busy for a moment after its last process
                folder.rmdir()
        if time.monotonic() > deadline:
            raise TimeoutError(f"cgroups do not go: {', '.join(map(str, folders))}")
        time.sleep(0.02)


def _folders(name: str) -> list[Path]:
    """The cgroup and all below it, in every hierarchy, the innermost first."""
    roots = {path.resolve() for path in (*_ROOT.glob(name), *_ROOT.glob(f"*/{name}"))}
    found = [path for root in roots for path in (root, *root.rglob("*")) if path.is_dir()]
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _members(folders: Sequence[Path]) -> Iterator[int]:
    for folder in folders:
        with suppress(OSError):
            pids = map(int, (folder / "cgroup.procs").read_text().split())
            yield from (pid for pid in pids if pid > 0)  # 0: of another namespace
