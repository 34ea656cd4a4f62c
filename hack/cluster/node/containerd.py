"""containerd of the real node, and how images get into it without a registry."""

import json
import subprocess
from pathlib import Path

from hack.cluster.node import host, oci
from hack.cluster.node.machine import inside
from hack.cluster.node.network import network
from hack.cluster.part import Launch, Part
from hack.cluster.site import CommandError, Site, binary, environment

PAUSE = "localhost/modelyard/pause:1"
_SOCKET = "/run/containerd/containerd.sock"
ENDPOINT = f"unix://{_SOCKET}"

# Apparmor and negative scores for the OOM killer need rights that few machines give.
_CONFIG = """\
version = 4
imports = []
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.tracing"]

[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{pause}"

[plugins.'io.containerd.cri.v1.runtime']
disable_apparmor = true
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = "{shim}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{plugins}"]
conf_dir = "{folder}/config/cni"
"""


def load(site: Site, archive: Path) -> tuple[str, ...]:
    """Imports the images of an OCI or Docker archive for kubelet's use, and returns their names.

    Raises CommandError with what containerd said, DiedError when the node is not running.
    """
    with archive.open("rb") as content:  # the node may see another file of that path
        said = _ctr(site, "images", "import", "-", stdin=content.fileno())
    return tuple(line.split()[0] for line in said.splitlines() if line.strip())


def _ctr(site: Site, *arguments: str, stdin: int = subprocess.DEVNULL) -> str:
    command = inside(site, str(binary("ctr")), "--namespace=k8s.io", *arguments)
    done = subprocess.run(
        command,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment({}),
    )
    if done.returncode:
        raise CommandError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _launch(site: Site) -> Launch:
    site.write("config/cni/10-modelyard.conflist", json.dumps(_cni(site), indent=1))
    config = _CONFIG.format(
        pause=PAUSE,
        shim=binary("containerd-shim-runc-v2"),
        runc=host.program("runc"),
        plugins=host.cni(),
        folder=site.folder,
    )
    path = site.write("config/containerd.toml", config)
    return Launch(inside(site, str(binary("containerd")), f"--config={path}", "--log-level=warn"))


def _cni(site: Site) -> dict[str, object]:
    """A cable from each pod to the node, which routes: no bridge, and no address is rewritten."""
    ranges = [[{"subnet": str(network(site).pods)}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "modelyard", "plugins": [plugin]}


def _answers(site: Site) -> bool:
    """Whether it serves kubelet; it would serve others even when that part of it has failed."""
    try:
        return "ok" in _ctr(site, "plugins", "ls", "id==cri").split()
    except CommandError:
        return False


def load_pause(site: Site) -> None:
    """The image that holds each pod's namespaces, which kubelet does not pull but has to find."""
    load(site, oci.image(binary("pause"), PAUSE, site.folder / "config" / "pause.tar"))


CONTAINERD = Part(
    "containerd",
    _launch,
    _answers,
    ports=(),
    needs=("machine",),
    binaries=("containerd", "containerd-shim-runc-v2", "ctr"),
)
