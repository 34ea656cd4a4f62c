"""How model servers that are processes of this machine are part of the mesh."""

from collections.abc import Mapping, Sequence
from typing import Any


def service_entry(
    namespace: str, name: str, host: str, endpoints: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The ServiceEntry by which Envoy reaches ``host`` on port 80 at these endpoints."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "hosts": [host],
            "location": "MESH_INTERNAL",
            "resolution": "STATIC",
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "endpoints": list(endpoints),
        },
    }
