"""Modelyard in the contest: the operator as a process under its own service account."""

import json

from hack.bench.live.contest import CANDIDATE, SCRAPE, STABLE, WEIGHT, host
from hack.cluster import operator
from hack.cluster.cluster import Cluster


class Modelyard:
    """The ModelCanary of this repository."""

    name = "Modelyard"
    user = operator.USER

    def start(self, cluster: Cluster) -> None:
        """Installs what ``crds/`` and ``deploy/`` hold, then starts ``modelyard run``."""
        operator.install(cluster)
        operator.start(cluster, "--log-format", "text")

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
