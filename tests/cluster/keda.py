"""KEDA's kind without KEDA: what counts here is that somebody made an object of it."""

from typing import Any

from hack.cluster.cluster import Cluster
from operators.inferenceautoscaler import SCALED_OBJECT


def install(cluster: Cluster) -> None:
    """Has the API server know ScaledObjects; it takes any."""
    schema: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": SCALED_OBJECT.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    name = f"{SCALED_OBJECT.plural}.{SCALED_OBJECT.group}"
    cluster.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {
                "group": SCALED_OBJECT.group,
                "scope": "Namespaced",
                "names": {"plural": SCALED_OBJECT.plural, "kind": SCALED_OBJECT.kind},
                "versions": [version],
            },
        }
    )
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")
