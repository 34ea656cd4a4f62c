"""The namespaces in which a real node lives, and the cable that joins it to this machine.

Its network, its mounts and its rules of iptables are in namespaces that are gone with the last
process in them, and the cable goes with them. What is left to remove are the cgroups of its pods.
"""

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hack.cluster.binaries import cache
from hack.cluster.folder import locked
from hack.cluster.node import cgroups, limits
from hack.cluster.node.host import OWN, NodeError, program
from hack.cluster.node.network import Network, settle
from hack.cluster.part import Launch, Part
from hack.cluster.process import DiedError, end, started_for
from hack.cluster.site import Site, binary

NAME = "machine"
_DEVICES, _PREFIX = Path("/sys/class/net"), "yard-"
# kubelet insists on these values. It finds them here, so that the machine's own stay as they are.
_KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


def inside(site: Site, *command: str) -> list[str]:
    """A command line that runs ``command`` in the node; raises DiedError where there is none."""
    process = site.process(NAME)
    if (pid := process.pid()) is None:
        raise DiedError(process.said("is not running"))
    return [_program("nsenter"), f"--target={pid}", "--net", "--mount", "--", *command]


def is_left(folder: Path) -> bool:
    """Whether anything of a node of this folder is there that no folder holds."""
    return (_DEVICES / cable(folder)).exists() or cgroups.exists(cgroups.name(folder))


def remove(folder: Path) -> None:
    """Ends all that is left of the node of this folder; the rest the kernel removes by itself.

    Returns when nothing is left, and raises TimeoutError with what stays. None there is no error.
    """
    if not is_left(folder):
        return
    while left := list(_in_namespaces(folder)):
        end(left, grace=0.0)
    cgroups.remove(cgroups.name(folder))
    deadline = time.monotonic() + 30
    while (_DEVICES / cable(folder)).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the network device {cable(folder)} does not go")
        with suppress(NodeError):  # it may go by itself meanwhile
            _ip("link", "delete", cable(folder))
        time.sleep(0.02)
    limits.restore(_DEVICES.glob(f"{_PREFIX}*"))


def cable(folder: Path) -> str:
    """The name of the network device that leads to the node; it has at most 15 letters."""
    return f"{_PREFIX}{cgroups.key(folder)}"


def _in_namespaces(folder: Path) -> Iterator[int]:
    """The processes of this folder's cluster that see other mounts than this one."""
    ours = Path("/proc/self/ns/mnt").readlink()
    for pid in started_for(folder):
        with suppress(OSError):
            if Path(f"/proc/{pid}/ns/mnt").readlink() != ours:
                yield pid


def _launch(site: Site) -> Launch:
    remove(site.folder)  # what a machine that died has left
    limits.lift()
    cgroups.create(cgroups.name(site.folder))
    near = cable(site.folder)
    with locked(cache()):  # clusters that start side by side are to see each other's routes
        chosen = settle(site)
        _lay_cable(near, chosen)
    lines = ["set -eu", *_mounts(site), *_links(_far(near), chosen), f"exec {binary('pause')}"]
    unshare = [_program("unshare"), "--net", "--mount", "--propagation", "private", "--"]
    return Launch([*unshare, _program("sh"), "-c", "\n".join(lines)])


def _lay_cable(near: str, chosen: Network) -> None:
    """Joins the two ends on this machine; the node takes its own end when it starts."""
    _ip("link", "add", near, "type", "veth", "peer", "name", _far(near))
    _ip("address", "add", f"{chosen.host}/{chosen.cable.prefixlen}", "dev", near)
    _ip("link", "set", near, "up")
    # onlink: the far end is not up yet.
    _ip("route", "add", str(chosen.pods), "via", chosen.node, "dev", near, "onlink")


def _far(near: str) -> str:
    return f"{near}n"


def _mounts(site: Site) -> Iterator[str]:
    """Lines of shell: the node's own folders, and the kernel's settings that kubelet asks for."""
    for place in OWN:
        own = site.folder / "node" / Path(place).name
        own.mkdir(parents=True, exist_ok=True)
        yield f"mount --bind {shlex.quote(str(own))} {place}"
    for name, value in _KERNEL.items():
        seen = site.write(f"config/kernel/{name}", f"{value}\n")
        if Path("/proc/sys", name).exists():
            yield f"mount --bind {shlex.quote(str(seen))} /proc/sys/{name}"


def _links(end: str, chosen: Network) -> Iterator[str]:
    """Lines of shell: the node's end of the cable, which the starting process holds out to it."""
    ip = _program("ip")
    yield f"{_program('nsenter')} --target=$PPID --net {ip} link set {end} netns $$"
    yield f"{ip} link set lo up"
    yield f"{ip} link set {end} name eth0"
    yield f"{ip} address add {chosen.node}/{chosen.cable.prefixlen} dev eth0"
    yield f"{ip} link set eth0 up"
    yield f"{ip} route add default via {chosen.host}"
    yield "echo 1 > /proc/sys/net/ipv4/ip_forward"


def _is_set_up(site: Site) -> bool:
    """Whether the shell has done all of it, and has become the process that waits."""
    pid = site.process(NAME).pid()
    try:
        return Path(f"/proc/{pid}/exe").readlink() == binary("pause").resolve()
    except OSError:
        return False


def _ip(*arguments: str) -> None:
    done = subprocess.run([_program("ip"), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _program(name: str) -> str:
    found = program(name)
    if found is None:
        raise NodeError(f"{name} is missing")
    return found


MACHINE = Part(NAME, _launch, _is_set_up, ports=(), binaries=("pause",))
