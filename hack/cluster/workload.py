"""Deployments and StatefulSets of pods on fake nodes, with the start-up time that a test needs."""

from typing import Any

from hack.cluster.kwok import POOL
from hack.cluster.stages import START_UP


def workload(
    name: str,
    namespace: str,
    *,
    kind: str = "Deployment",
    replicas: int = 1,
    start_up: str = "",
    gpus: int = 0,
    pool: str = "",
) -> dict[str, Any]:
    """A Deployment or StatefulSet whose pods have the label ``app: <name>``.

    ``start_up`` as in ``stages``: ``5s``, ``4s..8s`` or ``never``; without it pods are ready at
    once. ``pool`` is the prefix of the reserved nodes on which its pods are to run, and no others.
    """
    labels = {"app": name}
    limits = {"resources": {"limits": {"nvidia.com/gpu": str(gpus)}}} if gpus else {}
    template: dict[str, Any] = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "model", "image": "none", **limits}]},
    }
    if start_up:
        template["metadata"]["annotations"] = {START_UP: start_up}
    if pool:
        template["spec"]["nodeSelector"] = {POOL: pool}
        template["spec"]["tolerations"] = [{"key": POOL, "value": pool, "effect": "NoSchedule"}]
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
