"""kubelet of the real node ``real``."""

import yaml

from hack.cluster import prometheus
from hack.cluster.kwok import Nodes
from hack.cluster.node import cgroups, containerd
from hack.cluster.node.clients import kubeconfig
from hack.cluster.node.machine import inside
from hack.cluster.node.network import DNS, network
from hack.cluster.part import Launch, Part
from hack.cluster.site import CommandError, Site, answers, binary

NODE = "real"
"""The name of the node, and kubelet's part of the user name ``system:node:real``."""

_HEALTH = 10248  # the node's ports are its own, as its network is


def _launch(site: Site) -> Launch:
    containerd.load_pause(site)
    prometheus.reload_config(site)  # which may now ask the API server for the node's pods
    Nodes(site).reserve_all()
    resolv = site.write("config/resolv.conf", f"nameserver {DNS}\n")
    chosen = network(site)
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": chosen.node,
        "healthzBindAddress": chosen.node,
        "healthzPort": _HEALTH,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{site.folder}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS],
        "resolvConf": str(resolv),
        "containerRuntimeEndpoint": containerd.ENDPOINT,
        "cgroupRoot": f"/{cgroups.name(site.folder)}",
        **_PODS_OF_A_SHARED_MACHINE,
    }
    path = site.write("config/kubelet.yaml", yaml.safe_dump(config))
    return Launch(
        inside(
            site,
            str(binary("kubelet")),
            f"--config={path}",
            f"--kubeconfig={kubeconfig(site, 'kubelet')}",
            f"--hostname-override={NODE}",
            f"--node-ip={chosen.node}",
        )
    )


_PODS_OF_A_SHARED_MACHINE = {
    "cgroupDriver": "cgroupfs",
    "failCgroupV1": False,
    "failSwapOn": False,
    "oomScoreAdj": 0,
    "enforceNodeAllocatable": [],
    "makeIPTablesUtilChains": False,
    "volumePluginDir": "/var/lib/kubelet/volume-plugins",
    # Images come by hand, from no registry, so that one that is removed does not come back; and
    # how full the disk is was for its owner to see to before there was a node.
    "imageGCHighThresholdPercent": 100,
    "evictionHard": {
        "memory.available": "100Mi",
        "nodefs.available": "0%",
        "nodefs.inodesFree": "0%",
        "imagefs.available": "0%",
        "imagefs.inodesFree": "0%",
    },
}


def _is_ready(site: Site) -> bool:
    """Whether it is healthy and the API server knows the node as Ready."""
    if not answers(_HEALTH, "/healthz", host=network(site).node):
        return False
    path = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    try:
        return site.kubectl("get", "node", NODE, path) == "True"
    except CommandError:
        return False


KUBELET = Part(
    "kubelet",
    _launch,
    _is_ready,
    ports=(),
    needs=("containerd", "door", "kube-controller-manager", "kube-scheduler"),
    binaries=("kubelet",),
)
