"""istiod, Istio's CRDs, and the Gateway by which routes reach Envoy."""

import json

from hack.cluster import binaries
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary

NAMESPACE = "istio-system"
GATEWAY = "modelyard-gateway"
LABELS = {"istio": GATEWAY}

# Envoy from PyPI holds none of Istio's own extensions, so istiod must not ask for one.
_ENVIRONMENT = {
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_ANALYSIS": "false",
    "ENABLE_CA_SERVER": "false",
    "PILOT_CERT_PROVIDER": "none",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "CLUSTER_ID": "Kubernetes",
    "POD_NAMESPACE": NAMESPACE,
}


def _istiod(site: Site) -> Launch:
    (crds,) = binaries.data("pilot-discovery")
    site.apply_file(crds)
    site.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    mesh = site.write("config/mesh.yaml", json.dumps({"enableAutoMtls": False}))
    return Launch(
        [
            str(binary("pilot-discovery")),
            "discovery",
            f"--kubeconfig={site.kubeconfig('istiod')}",
            f"--meshConfig={mesh}",
            f"--grpcAddr=127.0.0.1:{site.port('istiod-xds')}",
            f"--httpAddr=127.0.0.1:{site.port('istiod-http')}",
            f"--monitoringAddr=127.0.0.1:{site.port('istiod-monitoring')}",
            f"--ctrlz_port={site.port('istiod-ctrlz')}",
            "--secureGRPCAddr=",
            "--httpsAddr=",
            "--registries=Kubernetes",
            "--shutdownDuration=1s",
        ],
        _ENVIRONMENT,
    )


def apply_gateway(site: Site) -> None:
    """The Gateway ``istio-system/modelyard-gateway``: every host, on one port of loopback."""
    port = {"number": site.port("gateway"), "name": "http", "protocol": "HTTP"}
    site.apply(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
            "spec": {
                "selector": LABELS,
                "servers": [{"port": port, "bind": "127.0.0.1", "hosts": ["*"]}],
            },
        }
    )


ISTIOD = Part(
    "istiod",
    _istiod,
    lambda site: answers(site.port("istiod-http"), "/ready"),
    ports=("istiod-xds", "istiod-http", "istiod-monitoring", "istiod-ctrlz"),
    needs=("kube-apiserver",),
    binaries=("pilot-discovery", "kubectl"),
)
