"""The kubeconfigs of the node's programs, which see the API server through the door."""

from pathlib import Path

from hack.cluster import certificates
from hack.cluster.folder import write
from hack.cluster.node.network import network
from hack.cluster.site import Site


def kubeconfig(site: Site, client: str) -> Path:
    """Writes the kubeconfig of one of ``certificates.CLIENTS`` as it is right inside the node."""
    server = f"https://{network(site).host}:{site.port('kube-apiserver')}"
    text = certificates.kubeconfig(
        site.folder / "pki", server, client, server_name="kubernetes.default"
    )
    return write(site.kubeconfig(f"node.{client}"), text, 0o600)
