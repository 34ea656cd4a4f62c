"""A cluster that was not made here, by its kubeconfig: what stories need of it, and no more."""

import os
import shutil
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.site import Site, binary, environment, listens
from tests.cluster.api import Api
from tests.cluster.operator import free_port


class Elsewhere(Cluster):
    """Somebody's cluster; ``folder`` is for what runs on this machine.

    Its gateway and its Prometheus are those that GATEWAY_URL and PROMETHEUS_URL name.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        super().__init__(folder)
        self.kubeconfig.parent.mkdir(parents=True)
        shutil.copyfile(kubeconfig, self.kubeconfig)
        self.kubeconfig.chmod(0o600)
        port = free_port()
        self._proxy = Site(folder).process("kubectl-proxy")
        command = [str(binary("kubectl")), f"--kubeconfig={self.kubeconfig}", "proxy"]
        self._proxy.start([*command, f"--port={port}"], environment({}))
        self._proxy.await_ready(lambda: listens(port), 20.0)
        self.proxy_url = f"http://127.0.0.1:{port}"

    @property
    def gateway_url(self) -> str:
        return os.environ["GATEWAY_URL"]

    @property
    def prometheus_url(self) -> str:
        return os.environ["PROMETHEUS_URL"]


def api(cluster: Cluster) -> Api:
    """The API server as an admin sees it."""
    return Api(cluster, cluster.proxy_url if isinstance(cluster, Elsewhere) else "")
