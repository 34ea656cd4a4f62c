"""Modelyard in the contest: the operator as a process under its own service account."""

import json
import sys
from pathlib import Path

from hack.bench.live.contest import CANDIDATE, SCRAPE, STABLE, WEIGHT, host
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.site import Site, answers, environment

_NAMESPACE = "modelyard-system"


class Modelyard:
    """The ModelCanary of this repository."""

    name = "Modelyard"
    user = f"system:serviceaccount:{_NAMESPACE}:modelyard"

    def start(self, cluster: Cluster) -> None:
        """Installs what ``crds/`` and ``deploy/`` hold, then starts ``modelyard run``."""
        for path in (*sorted((ROOT / "crds").glob("*.yaml")), ROOT / "deploy" / "rbac.yaml"):
            cluster.kubectl("apply", "--server-side", "-f", str(path))
        cluster.kubectl(
            *("wait", "--for=condition=Established", "--timeout=30s"),
            "customresourcedefinition/modelcanaries.modelyard.dev",
        )
        kubeconfig = cluster.service_account_kubeconfig(_NAMESPACE, "modelyard")
        site = Site(cluster.folder)
        with locked(cluster.folder):
            site.choose_ports(["operator"])
        process = site.process("operator")
        process.start(_command(kubeconfig, cluster, site.port("operator")), environment({}))
        process.await_ready(lambda: answers(site.port("operator"), "/readyz"), seconds=60)
        cluster.scrape("modelyard", f"127.0.0.1:{site.port('operator')}")

    def prepare(self, cluster: Cluster, namespace: str) -> None:
        """Nothing: it works on the route that is there."""

    def release(self, cluster: Cluster, namespace: str) -> None:
        cluster.apply(
            {
                "apiVersion": "modelyard.dev/v1alpha1",
                "kind": "ModelCanary",
                "metadata": {"name": "model", "namespace": namespace},
                "spec": {
                    "arms": [
                        {"name": arm, "host": host(namespace, arm)} for arm in (STABLE, CANDIDATE)
                    ],
                    "routeRef": {"name": "model", "routes": ["primary"]},
                    "release": {"arm": CANDIDATE, "version": "2"},
                    "steps": [{"weight": WEIGHT, "pause": {}}],
                    "guardrails": [{"name": "errors", "type": "ErrorRate", "preset": "Envoy"}],
                    "analysis": {
                        "interval": f"{SCRAPE:.0f}s",
                        "scrapeInterval": f"{SCRAPE:.0f}s",
                    },
                },
            }
        )

    def why(self, cluster: Cluster, namespace: str) -> str:
        found = cluster.kubectl("get", "modelcanary", "model", f"-n={namespace}", "-o=json")
        status = json.loads(found).get("status", {})
        return f"{status.get('phase', '')}: {status.get('message', '')}"


def _command(kubeconfig: Path, cluster: Cluster, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "operators.cli", "run", "--kubeconfig", str(kubeconfig)),
        *("--prometheus-url", cluster.prometheus_url, "--listen", f"127.0.0.1:{port}"),
        *("--log-format", "text"),
    ]
