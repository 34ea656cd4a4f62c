"""The cluster: started, looked at and taken away as one, and its parts one by one."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hack.cluster import backfill, binaries, certificates, fleet
from hack.cluster.control_plane import APISERVER, CONTROLLERS, ETCD, SCHEDULER
from hack.cluster.envoy import ENVOY
from hack.cluster.fleet import Fleet
from hack.cluster.folder import locked, remove, write
from hack.cluster.istio import ISTIOD
from hack.cluster.kwok import KWOK, Nodes
from hack.cluster.models import Models
from hack.cluster.node import containerd, host, machine
from hack.cluster.node.containerd import CONTAINERD
from hack.cluster.node.coredns import COREDNS
from hack.cluster.node.door import DOOR
from hack.cluster.node.kube_proxy import KUBE_PROXY
from hack.cluster.node.kubelet import KUBELET
from hack.cluster.node.machine import MACHINE
from hack.cluster.order import in_order
from hack.cluster.part import Part, RunningPart, start
from hack.cluster.process import end, started_for
from hack.cluster.prometheus import PROMETHEUS, reload_config, remove_targets, write_targets
from hack.cluster.rate import Points
from hack.cluster.site import Site
from hack.cluster.traffic import Traffic

DEFAULT = binaries.ROOT / ".cluster" / "default"

PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        *(ETCD, APISERVER, CONTROLLERS, SCHEDULER, KWOK, ISTIOD, ENVOY, PROMETHEUS),
        *(MACHINE, DOOR, CONTAINERD, KUBELET, KUBE_PROXY, COREDNS),
    )
}
# What a person asks for, and the programs that are meant.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "core": ("etcd", "kube-apiserver"),
    "controllers": ("kube-controller-manager",),
    "scheduler": ("kube-scheduler",),
    "kwok": ("kwok",),
    "istio": ("istiod",),
    "envoy": ("envoy",),
    "prometheus": ("prometheus",),
    "node": ("machine", "door", "containerd", "kube-proxy", "coredns", "kubelet"),
}
# What needs no right that not every user has.
EVERYTHING = tuple(group for group in GROUPS if group != "node")


@dataclass(frozen=True)
class Health:
    """One part as ``status`` shows it; ``tail``: the last log lines of one that is not healthy."""

    part: str
    pid: int | None
    port: int | None
    healthy: bool
    tail: tuple[str, ...] = ()


class Cluster:
    """A cluster by its state folder; any number of these objects may look at the same folder."""

    def __init__(self, folder: Path = DEFAULT, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder.resolve()
        self._site = Site(self.folder)
        self._say = say
        self.models = Models(self._site)
        self.nodes = Nodes(self._site)

    def build(self, parts: Iterable[str] = EVERYTHING) -> None:
        """Finds or builds every binary that the named groups need; raises BuildError."""
        binaries.ensure(needed(parts), binaries.Progress(self._say))

    def up(self, parts: Iterable[str] = EVERYTHING, *, scrape_seconds: float | None = None) -> Self:
        """Starts what is missing of the named groups and of what they need, until all is ready.

        Running parts are left as they are. Raises DiedError with the last lines of a part that does
        not come up, BuildError, BusyError, or ValueError for a group that does not exist; NodeError
        where ``node`` is asked for and cannot be, before anything is started. What came up before
        an error stays up, for ``logs`` and the next ``up``. Prometheus scrapes every 2 s where
        nothing else was ever said.
        """
        groups = list(parts)
        names = _with_needs(groups)
        if MACHINE.name in names:
            host.check(self.folder)
        self.build(groups)
        with locked(self.folder):
            self._site.choose_ports([port for name in names for port in PARTS[name].ports])
            before = self._site.state
            wanted = {*names, *before.get("parts", [])}
            interval = scrape_seconds or before.get("scrape_seconds", 2.0)
            self._site.note(
                parts=[name for name in PARTS if name in wanted], scrape_seconds=interval
            )
            if interval != before.get("scrape_seconds"):
                reload_config(self._site)
            in_order({name: PARTS[name].needs for name in names}, self._bring_up)
            _link(self.folder / "bin", ("kubectl", "promtool"))
        return self

    def down(self) -> None:
        """Ends every process of this cluster and removes its folder. Nothing there is no error."""
        if not self.exists():
            return
        with locked(self.folder):
            running = list(started_for(self.folder))
            self._say(f"stopping {len(running)} processes")
            end(running, grace=0.0)  # their data goes too, so that a farewell would serve nobody
            machine.remove(self.folder)
            remove(self.folder)

    def exists(self) -> bool:
        """Whether there is anything for ``down`` to do."""
        there = self.folder.exists() or machine.is_left(self.folder)
        return there or any(started_for(self.folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def status(self) -> list[Health]:
        """The health of each part that was asked for, in the order in which they start."""
        return [self._health(PARTS[name]) for name in self._site.state.get("parts", [])]

    def part(self, name: str) -> RunningPart:
        """One program, by its own name or its group's; raises KeyError for any other name."""
        return RunningPart(self._site, PARTS[GROUPS[name][-1] if name in GROUPS else name])

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self._site.kubeconfig("admin")

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self._site.port('prometheus')}"

    @property
    def gateway_url(self) -> str:
        """Where Envoy takes requests; the Host header says for which VirtualService."""
        return f"http://127.0.0.1:{self._site.port('gateway')}"

    @property
    def envoy_admin_url(self) -> str:
        return f"http://127.0.0.1:{self._site.port('envoy-admin')}"

    def environment(self) -> dict[str, str]:
        """The variables that a shell needs to work with this cluster; none without a cluster."""
        state = self._site.state
        if not state:
            return {}
        found = {"MODELYARD_CLUSTER": str(self.folder)}
        if self.kubeconfig.is_file():
            found["KUBECONFIG"] = str(self.kubeconfig)
        if "prometheus" in state["ports"]:
            found["PROMETHEUS_URL"] = self.prometheus_url
        if "gateway" in state["ports"]:
            found["GATEWAY_URL"] = self.gateway_url
        return found

    def kubectl(self, *arguments: str, data: str | None = None, seconds: float = 60.0) -> str:
        """What kubectl prints, as admin, with ``data`` as its standard input."""
        return self._site.kubectl(*arguments, data=data, seconds=seconds)

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Applies objects on the server side, as admin and field manager ``cluster``."""
        self._site.apply(*objects)

    def service_account_kubeconfig(self, namespace: str, name: str, hours: int = 12) -> Path:
        """A kubeconfig with a bound token of that ServiceAccount, which is to exist.

        For running a program with the rights of its own account, never those of an admin.
        """
        token = self.kubectl("create", "token", name, f"-n={namespace}", f"--duration={hours}h")
        server = f"https://127.0.0.1:{self._site.port('kube-apiserver')}"
        text = certificates.kubeconfig(self.folder / "pki", server, token=token.strip())
        return write(self._site.kubeconfig(f"{namespace}.{name}"), text, 0o600)

    def audit(self) -> Iterator[dict[str, Any]]:
        """The audit events so far, oldest first: ``verb``, ``user``, ``objectRef``, and so on."""
        with (self.folder / "log" / "audit.log").open() as log:
            for line in log:
                if line.endswith("\n"):  # the last line may be half written
                    yield json.loads(line)

    def traffic(
        self,
        host: str,
        *,
        rps: float | Points,
        seconds: float,
        path: str = "/predict",
        bodies: Path | None = None,
    ) -> Traffic:
        """Starts an open-loop load on the gateway, as a process of its own.

        Its rate is steady, or goes through points (second, requests a second) joined by straight
        lines, of which two at one second are a step.
        With a file of ``bodies`` its lines are POSTed in turn, else each request is a GET.
        """
        return Traffic.start(
            self._site.process(f"traffic-{time.monotonic_ns()}"),
            url=f"{self.gateway_url}{path}",
            host=host,
            rps=rps,
            seconds=seconds,
            bodies=bodies,
        )

    def load_image(self, archive: Path) -> tuple[str, ...]:
        """Gives the real node the images of an OCI or Docker archive, and returns their names.

        Pods use them with ``imagePullPolicy: IfNotPresent``. Raises CommandError with what
        containerd said of the archive, and DiedError where there is no node.
        """
        return containerd.load(self._site, archive)

    def fleet(
        self, namespace: str, name: str, *, host: str = "", routed: bool = True, **knobs: float
    ) -> Fleet:
        """Starts real model servers that are as many as the ready pods with label ``app: <name>``.

        Each ready pod is a replica with ``concurrency`` slots, a queue and a service time of
        ``seconds`` (see ``replica.Knobs``), one endpoint of the ServiceEntry ``name`` for ``host``
        (``<name>.<namespace>.model``) and one scrape target with labels ``namespace`` and ``pod``.
        A pod that goes loses both at once, and serves what has come to its end. ``routed``: a
        VirtualService ``name`` sends what the gateway gets for ``host`` to them. The namespace is
        to exist, the workload may come later; started again, it comes back at the same address.
        """
        return fleet.start(self._site, namespace, name, host=host, routed=routed, **knobs)

    def backfill(self, series: Mapping[str, Sequence[float]], *, start: float, step: float) -> None:
        """Puts samples of the past into Prometheus, whether it runs or has yet to start.

        Each key is a series (``requests_total{pod="a"}``) with its values from Unix time ``start``
        on, every ``step`` seconds; NaN is no sample. Returns once they can be asked for. Raises
        ValueError for samples that lie in the future: Prometheus would take no others until then.
        """
        backfill.load(self._site, series, start=start, step=step)

    def scrape(self, name: str, address: str, **labels: str) -> None:
        """Has Prometheus scrape ``address`` (host:port) in its job ``operator``."""
        write_targets(self._site, f"operator-{name}", address, labels)

    def stop_scraping(self, name: str) -> None:
        remove_targets(self._site, f"operator-{name}")

    def _bring_up(self, name: str) -> None:
        part, started = PARTS[name], time.monotonic()
        if self._site.process(name).pid() is None:
            self._say(f"starting {name}")
            start(self._site, part)
            self._say(f"{name} is ready after {time.monotonic() - started:.1f} s")
        else:
            start(self._site, part)

    def _health(self, part: Part) -> Health:
        process = self._site.process(part.name)
        pid = process.pid()
        healthy = pid is not None and part.ready(self._site)
        tail = () if healthy else tuple(process.tail())
        port = self._site.port(part.ports[0]) if part.ports else None
        return Health(part.name, pid, port, healthy, tail)


def needed(parts: Iterable[str] = EVERYTHING) -> list[str]:
    """The names of the binaries that the named groups need."""
    return [binary for name in _with_needs(parts) for binary in PARTS[name].binaries]


def _with_needs(groups: Iterable[str]) -> list[str]:
    """The programs of the groups and all that these need, in the order of PARTS."""
    groups = list(groups)
    if unknown := [group for group in groups if group not in GROUPS]:
        raise ValueError(f"no part is called {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    wanted: set[str] = set()
    missing = {name for group in groups for name in GROUPS[group]}
    while missing:
        wanted |= missing
        missing = {need for name in missing for need in PARTS[name].needs} - wanted
    return [name for name in PARTS if name in wanted]


def _link(folder: Path, names: Iterable[str]) -> None:
    """Links in ``folder`` to the binaries that are there, for the PATH of a person."""
    folder.mkdir(exist_ok=True)
    for name in names:
        program = binaries.find(name)
        if program and not (folder / name).is_symlink():
            (folder / name).symlink_to(program)
