"""kwok, and the fake nodes on which it makes pods run and be ready."""

import json
from collections.abc import Mapping
from typing import Any

from hack.cluster import binaries
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary
from hack.cluster.stages import with_start_up

POOL = "modelyard.dev/pool"
"""The label of a fake node: the prefix of its name; the taint of one that is reserved, too."""


def _kwok(site: Site) -> Launch:
    stages = site.write("config/stages.yaml", with_start_up(binaries.data("kwok")))
    return Launch(
        [
            str(binary("kwok")),
            f"--kubeconfig={site.kubeconfig('kwok')}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--cidr=10.240.0.0/16",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{site.port('kwok')}",
            f"--config={stages}",
        ]
    )


KWOK = Part(
    "kwok",
    _kwok,
    lambda site: answers(site.port("kwok"), "/readyz"),
    ports=("kwok",),
    needs=("kube-apiserver",),
    binaries=("kwok",),
)


class Nodes:
    """The fake nodes of a cluster."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def add(
        self, count: int, *, gpus: int = 8, prefix: str = "fake", reserved: bool = False
    ) -> list[str]:
        """Makes nodes ``<prefix>-0`` and on, and returns their names; those there already are kept.

        They turn Ready by kwok, and the scheduler places pods on them, without any toleration;
        on ``reserved`` ones only pods of a ``workload`` with that prefix as its pool. Beside a real
        node all are reserved, so that no pod that means to run is only played.
        """
        names = [f"{prefix}-{number}" for number in range(count)]
        nodes = [_node(name, prefix, gpus) for name in names]
        reserved = reserved or "kubelet" in self._site.state["parts"]
        spec = {"spec": {"taints": [_taint(prefix)]}} if reserved else {}
        self._site.apply(*({**node, **spec} for node in nodes))
        return names

    def reserve_all(self) -> None:
        """Reserves the fake nodes that are there."""
        listed = json.loads(self._site.kubectl("get", "nodes", f"-l={POOL}", "-o=json"))
        for node in listed["items"]:
            name, pool = node["metadata"]["name"], node["metadata"]["labels"][POOL]
            self._site.kubectl("taint", "node", name, f"{POOL}={pool}:NoSchedule", "--overwrite")


def _taint(prefix: str) -> dict[str, str]:
    return {"key": POOL, "value": prefix, "effect": "NoSchedule"}


def _node(name: str, prefix: str, gpus: int) -> Mapping[str, Any]:
    resources = {"cpu": "96", "memory": "1024Gi", "pods": "250", "ephemeral-storage": "1Ti"}
    if gpus:
        resources["nvidia.com/gpu"] = str(gpus)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
                POOL: prefix,
            },
        },
        "status": {"allocatable": resources, "capacity": resources},
    }
