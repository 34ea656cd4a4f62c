"""An extension API server as part of a cluster: it runs in this process and is registered there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hack.bench.autoscaler.real.apis import Api
from hack.bench.autoscaler.real.server import listening
from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError

SERVICE, NAMESPACE = "modelyard-extension", "default"


@contextmanager
def extended(cluster: Cluster, *apis: Api) -> Iterator[None]:
    """The cluster with these API groups, until the context ends; one at a time per cluster.

    There is no cluster network: the API server reaches the Service as an external name of loopback.
    Raises CommandError where a group does not become available in 30 s.
    """
    with listening(cluster.folder / "pki", apis) as port:
        services = [_api_service(api, port) for api in apis]
        names = [f"apiservice/{service['metadata']['name']}" for service in services]
        cluster.apply(_service(port), *services)
        try:
            cluster.kubectl("wait", "--for=condition=Available", "--timeout=30s", *names)
            yield
        finally:
            with suppress(CommandError):  # a cluster that is gone has forgotten them
                cluster.kubectl("delete", "--ignore-not-found", *names)
                cluster.kubectl(
                    "delete", "--ignore-not-found", "service", SERVICE, f"-n={NAMESPACE}"
                )


def _service(port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {
            "type": "ExternalName",
            "externalName": "localhost",
            "ports": [{"port": port, "protocol": "TCP"}],
        },
    }


def _api_service(api: Api, port: int) -> dict[str, Any]:
    """The certificate is not checked: it names localhost, and the aggregator asks for a Service."""
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{api.version}.{api.group}"},
        "spec": {
            "group": api.group,
            "version": api.version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": SERVICE, "namespace": NAMESPACE, "port": port},
        },
    }
