"""Pods of the real node that serve and ask, from an image that needs no other tool to be made."""

from pathlib import Path
from typing import Any

from hack.cluster import binaries
from hack.cluster.cluster import Cluster
from hack.cluster.node import oci

IMAGE = "localhost/modelyard/probe:1"
PORT = 8080


def load(cluster: Cluster, folder: Path) -> None:
    """Gives the node the image of ``hack/tools/probe``."""
    program = binaries.ensure(["probe"])["probe"]
    cluster.load_image(oci.image(program, IMAGE, folder / "probe.tar", "serve", f":{PORT}"))


def deployment(namespace: str, name: str, replicas: int = 1) -> dict[str, Any]:
    """Pods that answer with their names, with probes and nothing that a restricted one may not."""
    labels = {"app": name}
    check = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1}
    container = {
        "name": "probe",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": check,
        # Patient, as a busy machine is no reason to restart what a test looks at.
        "livenessProbe": {**check, "timeoutSeconds": 10, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi", "cpu": "500m"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    template = {
        "metadata": {"labels": labels, "annotations": {"prometheus.io/scrape": "true"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": PORT}],
        },
    }
