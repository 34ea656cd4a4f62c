"""What the contestants have in common: the world they find and how they are asked to begin."""

from collections.abc import Mapping
from typing import Any, Protocol

from hack.cluster.cluster import Cluster

STABLE, CANDIDATE = "stable", "canary"
WEIGHT = 20
SCRAPE = 2.0


class Contestant(Protocol):
    """Something that moves traffic to a new version and takes it away again when it fails."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    @property
    def user(self) -> str:
        """Whose writes of the route are its own, as the audit log names them."""
        ...

    def start(self, cluster: Cluster) -> None:
        """Starts the program, with what it needs in the cluster, until it works."""
        ...

    def prepare(self, cluster: Cluster, namespace: str) -> None:
        """Makes what has to be there before there is anything to release."""
        ...

    def release(self, cluster: Cluster, namespace: str) -> None:
        """Asks for the candidate at ``WEIGHT`` percent, to be kept there under judgement."""
        ...

    def why(self, cluster: Cluster, namespace: str) -> str:
        """Where it stands and why, in its own words."""
        ...


def host(namespace: str, arm: str) -> str:
    """The host of a version; its first part is the arm's name."""
    return f"{arm}.{namespace}.model"


def public_host(namespace: str) -> str:
    """The Host header that means the model, whatever the version."""
    return f"{namespace}.example"


def virtual_service(namespace: str) -> Mapping[str, Any]:
    """The route: everything to the stable version, and a candidate with nothing."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "model", "namespace": namespace},
        "spec": {
            "hosts": [public_host(namespace)],
            "gateways": ["istio-system/modelyard-gateway"],
            "http": [
                {
                    "name": "primary",
                    "route": [
                        {"destination": {"host": host(namespace, STABLE)}, "weight": 100},
                        {"destination": {"host": host(namespace, CANDIDATE)}, "weight": 0},
                    ],
                }
            ],
        },
    }
