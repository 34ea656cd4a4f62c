"""The one setting of the machine that a node needs raised, for as long as there is a node."""

from collections.abc import Iterator
from pathlib import Path

from hack.cluster.binaries import cache
from hack.cluster.folder import locked, write

# A cluster with a node watches files in some 25 places, and Linux allows a user 128 of all his own.
_SETTING = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH = 1024


def lift() -> None:
    """Allows more watches of files, and notes what was allowed before."""
    with locked(cache()):
        allowed = _SETTING.read_text()
        if int(allowed) < _ENOUGH:
            write(_before(), allowed)
            _SETTING.write_text(str(_ENOUGH))


def restore(nodes: Iterator[Path]) -> None:
    """Allows what was allowed before the first node, unless there are ``nodes`` still."""
    with locked(cache()):
        if _before().is_file() and not any(nodes):
            _SETTING.write_text(_before().read_text())
            _before().unlink()


def _before() -> Path:
    """The file that holds what was allowed before."""
    return cache() / "node.before"
