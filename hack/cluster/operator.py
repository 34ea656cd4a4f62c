"""Starts the operator of this checkout as its own ServiceAccount, never as an admin."""

import sys

from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.process import Process
from hack.cluster.site import Site, answers, environment

NAMESPACE = "modelyard-system"
ACCOUNT = "modelyard"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
"""How the audit log calls it."""


def install(cluster: Cluster) -> None:
    """Applies ``crds/`` and ``deploy/rbac.yaml``, and waits until the server knows the kinds."""
    for path in (*sorted((ROOT / "crds").glob("*.yaml")), ROOT / "deploy" / "rbac.yaml"):
        cluster.kubectl("apply", "--server-side", "-f", str(path))
    names = cluster.kubectl("get", "-f", str(ROOT / "crds"), "-o=name").split()
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)


def start(cluster: Cluster, *flags: str) -> Process:
    """Starts ``modelyard run`` until it is ready; raises DiedError with its last lines."""
    kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    site = Site(cluster.folder)
    with locked(cluster.folder):
        site.choose_ports(["operator"])
    listen = f"127.0.0.1:{site.port('operator')}"
    process = site.process("operator")
    process.start(
        [
            *(sys.executable, "-m", "operators.cli", "run", "--kubeconfig", str(kubeconfig)),
            *("--prometheus-url", cluster.prometheus_url, "--listen", listen, *flags),
        ],
        environment({"PYTHONPATH": str(ROOT)}),
    )
    process.await_ready(lambda: answers(site.port("operator"), "/readyz"), seconds=60)
    cluster.scrape("modelyard", listen)
    return process
