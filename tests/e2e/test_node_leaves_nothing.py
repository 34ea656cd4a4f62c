"""A real node that goes, however it goes, leaves the machine as it was."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hack.cluster.binaries import ROOT
from hack.cluster.cluster import GROUPS, Cluster
from hack.cluster.node import cgroups, host, machine
from hack.cluster.process import end, started_for
from tests.e2e import probe

_KERNEL = (
    *("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "kernel/panic"),
    *("kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom"),
)


def run(cluster: Cluster, folder: Path) -> None:
    """Brings the node up with a pod that runs on it."""
    cluster.up(["node"])
    probe.load(cluster, folder)
    cluster.apply(probe.deployment("default", "web"))
    wait = ("rollout", "status", "deployment/web", "--timeout=90s")
    cluster.kubectl(*wait, seconds=100)


def printed(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def of_the_machine() -> dict[str, object]:
    """What a node must not change on the machine, not even while it is there."""
    save = host.program("iptables-save") or ""
    rules = [line for table in ("filter", "nat", "mangle") for line in printed(save, "-t", table)]
    return {
        "rules": [line for line in rules if line.startswith("-A")],
        "places": {place: sorted(map(str, Path(place).iterdir())) for place in host.OWN},
        "kernel": {name: Path("/proc/sys", name).read_text() for name in _KERNEL},
    }


def of_the_node(folder: Path) -> list[str]:
    """Whatever there is of the node: processes, cgroups, devices, routes and mounts."""
    mark = cgroups.name(folder)
    found = [f"process {pid}" for pid in started_for(folder)]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_dead = ") Z " in (process / "stat").read_text()  # init has yet to collect it
            if mark in (process / "cgroup").read_text() and not is_dead:
                found.append(f"pod's {process}")
    found += [f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob(f"**/{mark}")]
    found += [line for line in printed("ip", "-o", "link") if machine.cable(folder) in line]
    found += [line for line in printed("ip", "route") if machine.cable(folder) in line]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]
    return found


def _as_it_is(cluster: Cluster) -> None:
    pass


def _all_killed(cluster: Cluster) -> None:
    end(list(started_for(cluster.folder)), grace=0.0)


def _folder_gone(cluster: Cluster) -> None:
    cluster.folder.rename(cluster.folder.with_name("moved"))


@pytest.mark.parametrize("beforehand", [_as_it_is, _all_killed, _folder_gone])
def test_down_leaves_nothing_of_a_node_and_the_one_beside_it_alone(
    node: Cluster, own_node: Cluster, tmp_path: Path, beforehand: Callable[[Cluster], None]
) -> None:
    before = of_the_machine()
    run(own_node, tmp_path)
    assert of_the_machine() == before
    assert of_the_node(own_node.folder)

    beforehand(own_node)
    own_node.down()

    assert of_the_node(own_node.folder) == []
    assert of_the_machine() == before
    assert not own_node.folder.exists()
    assert all(health.healthy for health in node.status())


def test_up_brings_back_a_node_whose_machine_died(own_node: Cluster, tmp_path: Path) -> None:
    run(own_node, tmp_path)
    _all_killed(own_node)
    run(own_node, tmp_path)
    assert {health.part for health in own_node.status() if health.healthy} >= set(GROUPS["node"])


def test_a_machine_that_cannot_is_told_all_that_is_missing_and_nothing_is_started(
    able: None, tmp_path: Path
) -> None:
    hidden = f"mount -t tmpfs none {host.cni()} && mount --bind /dev/null {host.program('runc')}"
    command = f"{sys.executable} -m hack.cluster --dir {tmp_path}/none up node"
    nobody = "setpriv --reuid=65534 --clear-groups --inh-caps=-all"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{hidden} && exec {nobody} {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "root: run it as root" in done.stderr
    assert "apt-get install containernetworking-plugins runc" in done.stderr
    assert not (tmp_path / "none").exists()
