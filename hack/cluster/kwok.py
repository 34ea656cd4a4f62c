"""kwok, and the fake nodes on which it makes pods run and be ready."""

from collections.abc import Mapping
from typing import Any

from hack.cluster import binaries
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary


def _kwok(site: Site) -> Launch:
    return Launch(
        [
            str(binary("kwok")),
            f"--kubeconfig={site.kubeconfig('kwok')}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--cidr=10.240.0.0/16",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{site.port('kwok')}",
            *(f"--config={stage}" for stage in binaries.data("kwok")),
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

    def add(self, count: int, *, gpus: int = 8, prefix: str = "fake") -> list[str]:
        """Makes nodes ``<prefix>-0`` and on, and returns their names; those there already are kept.

        They turn Ready by kwok, and the scheduler places pods on them, without any toleration.
        """
        names = [f"{prefix}-{number}" for number in range(count)]
        self._site.apply(*(_node(name, gpus) for name in names))
        return names


def _node(name: str, gpus: int) -> Mapping[str, Any]:
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
            },
        },
        "status": {"allocatable": resources, "capacity": resources},
    }
