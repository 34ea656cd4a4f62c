"""The operator as a process of its own for one test, with the rights that are granted to users."""

import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import requests

from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.process import Process
from hack.cluster.site import Site, answers, environment
from hack.generate import rbac
from hack.rights.used import Mode, note
from operators.kinds import RULES
from tests.cluster.api import ACCOUNTS, BINDINGS, ROLES, WIDE_BINDINGS, WIDE_ROLES, Api

ACCOUNT = "modelyard"
SECOND = "modelyard-second"
"""The account of a second replica, so that the audit log tells the two apart."""

_READY_SECONDS = 60.0
_KINDS = {one.kind: one for one in (ACCOUNTS, ROLES, BINDINGS, WIDE_ROLES, WIDE_BINDINGS)}


def username(namespace: str, account: str = ACCOUNT) -> str:
    """How the audit log calls an account."""
    return f"system:serviceaccount:{namespace}:{account}"


class Operator:
    """One replica of ``modelyard run`` that serves a namespace and keeps its lease there.

    A ``wide`` one serves all namespaces, and has the whole cluster to itself.
    """

    def __init__(
        self,
        cluster: Cluster,
        api: Api,
        namespace: str,
        *flags: str,
        account: str = ACCOUNT,
        prometheus_url: str | None = None,
        program: str = "operators.cli",
        wide: bool = False,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._account = account
        self._flags = flags
        self._program = program
        self._wide = wide
        self._prometheus = cluster.prometheus_url if prometheus_url is None else prometheus_url
        self.process: Process = Site(cluster.folder).process(f"operator-{namespace}-{account}")
        grant(cluster, api, namespace, account, wide=wide)
        self._kubeconfig = cluster.service_account_kubeconfig(namespace, account)

    @property
    def kubeconfig(self) -> Path:
        """What it reaches the API server by."""
        return self._kubeconfig

    @property
    def user(self) -> str:
        """How the audit log calls it."""
        return username(self._namespace, self._account)

    def start(self) -> None:
        """Starts it until its caches are filled; DiedError ends with its last lines."""
        self.port = free_port()
        command = [sys.executable, "-m", self._program, "run"]
        command += ["--kubeconfig", str(self._kubeconfig), "--prometheus-url", self._prometheus]
        command += ["--lease-namespace", self._namespace]
        command += [] if self._wide else ["--namespace", self._namespace]
        command += ["--listen", f"127.0.0.1:{self.port}", "--checkpoint", "2"]
        command += ["--log-format", "text", *self._flags]
        self.process.start(command, environment({"PYTHONPATH": str(ROOT)}))
        self.process.await_ready(lambda: answers(self.port, "/readyz"), _READY_SECONDS)

    def kill(self) -> None:
        """SIGKILL: it says goodbye to nobody."""
        self.process.stop(grace=0.0)

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and its belief that it leads."""
        self.process.pause()

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, as a kubelet does."""
        self.process.send(signal.SIGTERM)

    def running(self) -> bool:
        return self.process.pid() is not None

    def stopped(self) -> bool:
        """Whether it stands still, by SIGSTOP."""
        pid = self.process.pid()
        if pid is None:
            return False
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def leads(self) -> bool:
        """Whether it says that it holds the lease; a stopped one says nothing."""
        return bool(self.readiness().get("leader"))

    def readiness(self) -> dict[str, Any]:
        """What it says on ``/readyz``; empty while it does not answer."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2)
        except requests.RequestException:
            return {}
        said: dict[str, Any] = answer.json()
        return said

    def log(self) -> str:
        """All it said since the test began, in every life it had."""
        return self.process.log.read_text() if self.process.log.is_file() else ""

    def heard(self, pattern: str) -> bool:
        """Whether its log holds something."""
        return re.search(pattern, self.log()) is not None


def grant(cluster: Cluster, api: Api, namespace: str, account: str, *, wide: bool) -> None:
    """Makes an account with the generated rights, in its namespace or in all of them.

    What it asks for is held against them at the end of the run.
    """
    served = "" if wide else namespace
    for one in rbac.objects(RULES, namespace, served, account):
        api.apply(_KINDS[one["kind"]], one)
    mode = Mode.CLUSTER_WIDE if wide else Mode.NAMESPACED
    test = os.environ["PYTEST_CURRENT_TEST"]
    note(cluster.folder, username(namespace, account), mode, test)


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
