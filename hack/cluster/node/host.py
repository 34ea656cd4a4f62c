"""What this machine must have for a real node, and the words for what it lacks."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from hack.cluster import binaries

CNI = ("ptp", "host-local", "loopback")
# The node has folders of its own in these places, so that nothing of the machine's is in them.
OWN = ("/run", "/var/lib", "/var/log")
_CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_CGROUPS = Path("/sys/fs/cgroup")
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}  # bits, capability.h
# Each program, and the Debian package that brings it.
_PROGRAMS: Mapping[str, str] = {
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "runc": "runc",
    "unshare": "util-linux",
}


class NodeError(Exception):
    """The real node cannot be on this machine, or not now; the message says what to do."""


def missing() -> tuple[str, ...]:
    """Every thing that the real node needs and this machine lacks, with its remedy; else nothing.

    Asks only, and changes nothing.
    """
    if sys.platform != "linux":
        return (f"Linux (this is {sys.platform}): use kind, as docs/kind.md says",)
    lacks = [] if os.geteuid() == 0 else ["root: run it as root, or by sudo"]
    if not lacks and (denied := _denied()):
        lacks.append(f"{' and '.join(denied)}: this root has not all rights, as in most containers")
    packages = {_PROGRAMS[name]: name for name in _PROGRAMS if program(name) is None}
    if cni() is None:
        packages["containernetworking-plugins"] = f"the CNI plugins {', '.join(CNI)}"
    if packages:
        names = " ".join(sorted(packages))
        lacks.append(f"{', '.join(packages.values())}: apt-get install {names}")
    if not _has_cgroups():
        lacks.append(f"cgroups: mount them on {_CGROUPS}, or start the container privileged")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        lacks.append("the file system overlay: modprobe overlay")
    return tuple(lacks)


def check(folder: Path) -> None:
    """Raises NodeError, which says everything that stands against a node of this folder."""
    lacks = list(missing())
    lacks += [
        f"{path} elsewhere: the node has its own {', '.join(OWN)}"
        for path in (folder, binaries.cache(), Path(sys.prefix))
        if any(path.resolve().is_relative_to(own) for own in OWN)
    ]
    if lacks:
        raise NodeError("a real node needs\n" + "\n".join(f"- {line}" for line in lacks))


def program(name: str) -> str | None:
    """The path of one of the machine's programs, also where PATH has no sbin."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin")


def cni() -> Path | None:
    """The folder with the CNI plugins."""
    return next(
        (folder for folder in _CNI_FOLDERS if all((folder / name).exists() for name in CNI)), None
    )


def _denied() -> list[str]:
    lines = Path("/proc/self/status").read_text().splitlines()
    held = int(next(line.split()[1] for line in lines if line.startswith("CapEff:")), 16)
    return [name for name, bit in _CAPABILITIES.items() if not held >> bit & 1]


def _has_cgroups() -> bool:
    """Version 2, or the controllers of version 1."""
    return (_CGROUPS / "cgroup.controllers").is_file() or (_CGROUPS / "memory").is_dir()
