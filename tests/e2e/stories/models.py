"""Model servers that are pods: the objects that a person would apply for them."""

from collections.abc import Iterator
from typing import Any

from controllers.plan import Resource
from operators.runtime.resources import DEPLOYMENT

SERVICE = Resource("", "v1", "services", "Service")

_PORT = 8080


def served(
    namespace: str, name: str, image: str, *flags: str
) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """A Deployment of one pod, which Prometheus scrapes, and its Service on port 80."""
    meta = {"name": name, "namespace": namespace}
    labels = {"app": name}
    scraped = {"prometheus.io/scrape": "true"}
    template = {
        "metadata": {"labels": labels, "annotations": scraped},
        "spec": {"containers": [_container(image, flags)], "terminationGracePeriodSeconds": 5},
    }
    deployed = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    yield DEPLOYMENT, {"metadata": meta, "spec": deployed}
    port = {"name": "http", "port": 80, "targetPort": _PORT}
    yield SERVICE, {"metadata": meta, "spec": {"selector": labels, "ports": [port]}}


def _container(image: str, flags: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": "model",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(flags),
        "ports": [{"name": "http", "containerPort": _PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
