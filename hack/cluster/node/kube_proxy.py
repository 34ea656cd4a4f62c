"""kube-proxy of the real node: Services, by iptables in the node's own network namespace."""

import yaml

from hack.cluster.node.clients import kubeconfig
from hack.cluster.node.kubelet import NODE
from hack.cluster.node.machine import inside
from hack.cluster.node.network import network
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary

_HEALTH = 10256


def _launch(site: Site) -> Launch:
    chosen = network(site)
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(kubeconfig(site, "kube-proxy"))},
        "hostnameOverride": NODE,
        "clusterCIDR": str(chosen.pods),
        "detectLocalMode": "ClusterCIDR",
        "healthzBindAddress": f"{chosen.node}:{_HEALTH}",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        # The machine's limits of connections are not this node's to change.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"localhostNodePorts": False, "minSyncPeriod": "100ms"},
    }
    path = site.write("config/kube-proxy.yaml", yaml.safe_dump(config))
    return Launch(inside(site, str(binary("kube-proxy")), f"--config={path}"), _ENVIRONMENT)


_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

KUBE_PROXY = Part(
    "kube-proxy",
    _launch,
    lambda site: answers(_HEALTH, "/healthz", host=network(site).node),
    ports=(),
    needs=("kubelet",),
    binaries=("kube-proxy",),
)
