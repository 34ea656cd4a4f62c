"""CoreDNS: the names of Services and pods, for the pods of the real node."""

from typing import Any

from hack.cluster.node.clients import kubeconfig
from hack.cluster.node.machine import inside
from hack.cluster.node.network import DNS, network
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary

_READY = 8181
# Nothing is passed on to other servers: pods reach the cluster and this machine, and no further.
_CONFIG = """\
.:53 {{
    bind {node}
    errors
    ready {node}:{ready}
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
    }}
}}
"""
_PORTS = [
    {"name": "dns", "protocol": "UDP", "port": 53},
    {"name": "dns-tcp", "protocol": "TCP", "port": 53},
]


def _launch(site: Site) -> Launch:
    node = network(site).node
    site.apply(*_service(node))
    config = _CONFIG.format(node=node, ready=_READY, kubeconfig=kubeconfig(site, "coredns"))
    path = site.write("config/Corefile", config)
    return Launch(inside(site, str(binary("coredns")), f"-conf={path}"))


def _service(node: str) -> tuple[dict[str, Any], ...]:
    """``kube-system/kube-dns``, where everybody expects it."""
    metadata = {"name": "kube-dns", "namespace": "kube-system"}
    return (
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"clusterIP": DNS, "ports": _PORTS},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [node], "conditions": {"ready": True}}],
            "ports": _PORTS,
        },
    )


COREDNS = Part(
    "coredns",
    _launch,
    lambda site: answers(_READY, "/ready", host=network(site).node),
    ports=(),
    needs=("door",),
    binaries=("coredns",),
)
