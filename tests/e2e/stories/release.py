"""The charts as a person installs, upgrades and removes them, and the replicas that come of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hack.charts.helm import CRDS, NAME, NAMESPACE, OPERATOR, helm
from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError

USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
"""How the audit log calls the operator."""
FAREWELL = f"{USER}-leave"
"""How it calls the job that gives back at the end."""
KINDS_BEFORE = Path(__file__).parent / "previous" / "modelyard-crds-0.0.1.tgz"
OPERATOR_BEFORE = Path(__file__).parent / "previous" / "modelyard-0.0.1.tgz"

_PROMETHEUS = "http://prometheus.monitoring:9090"
_SELECTOR = "--selector=app.kubernetes.io/name=modelyard,app.kubernetes.io/component=operator"
_WAIT = ("--wait", "--timeout=120s")


class Release:
    """The release ``modelyard`` of a cluster, two replicas of it where nothing else is said."""

    def __init__(self, cluster: Cluster, image: str) -> None:
        self._cluster = cluster
        repository, _, tag = image.rpartition(":")
        self._values = (
            f"--set=image.repository={repository},prometheus.url={_PROMETHEUS}",
            f"--set-string=image.tag={tag}",
            "--set=checkpointSeconds=2,resources.requests.cpu=10m",
        )

        self._usual = False
        self.removals = 0
        """How often the operator was uninstalled."""

    # What people do.

    def as_usual(self) -> None:
        """Sees to it that the checkout's charts are installed, with nothing else said."""
        if not self._usual:
            self.install_kinds()
            self.install()
            self._usual = True

    def install_kinds(self, chart: Path = CRDS) -> None:
        self._usual = False
        self._helm("upgrade", "--install", f"{NAME}-crds", str(chart), "--create-namespace")

    def install(self, *flags: str, chart: Path = OPERATOR) -> str:
        """Installs or upgrades the operator, and returns what Helm says once it is Ready."""
        self._usual = False
        return self._helm("upgrade", "--install", NAME, str(chart), *self._values, *flags, *_WAIT)

    def roll_back(self) -> None:
        """Brings the former operator back; the kinds stay as they are."""
        self._usual = False
        self._helm("rollback", NAME, *_WAIT)

    def patch(self, patch: Mapping[str, Any]) -> None:
        """Changes the Deployment by hand, until its pods are replaced."""
        self._usual = False
        here = (f"deployment/{NAME}", f"-n={NAMESPACE}")
        self._cluster.kubectl("patch", *here, "--patch", json.dumps(patch))
        self._cluster.kubectl("rollout", "status", *here, "--timeout=120s", seconds=130.0)

    def annotate(self, said: str) -> None:
        """Annotates the pods of all replicas with ``key=value``."""
        for name in self.pods():
            self._cluster.kubectl("annotate", "pod", name, f"-n={NAMESPACE}", said, "--overwrite")

    def read(self, path: str) -> set[str]:
        """What a file holds, in each of the replicas."""
        return {
            self._cluster.kubectl("exec", name, f"-n={NAMESPACE}", "--", "cat", path).strip()
            for name in self.pods()
        }

    def test(self) -> str:
        return self._helm("test", NAME, "--logs")

    def uninstall(self, name: str = NAME) -> None:
        """Removes the operator; one that is not there is no error."""
        self._usual = False
        self.removals += 1
        self._helm("uninstall", name, "--ignore-not-found", *_WAIT)

    def _helm(self, *arguments: str) -> str:
        where = (f"--namespace={NAMESPACE}",)
        return helm(*arguments, *where, kubeconfig=self._cluster.kubeconfig, seconds=180.0)

    # What can be seen.

    def pods(self) -> dict[str, dict[str, Any]]:
        """The replicas by their pods' names, those that are going not among them."""
        listed = self._cluster.kubectl("get", "pods", f"-n={NAMESPACE}", _SELECTOR, "-o=json")
        items: list[dict[str, Any]] = json.loads(listed)["items"]
        pods = {pod["metadata"]["name"]: pod for pod in items}
        return {
            name: pod for name, pod in pods.items() if "deletionTimestamp" not in pod["metadata"]
        }

    def version(self) -> str:
        """The chart that is installed, and its version."""
        listed: list[dict[str, str]] = json.loads(self._helm("list", "--output=json"))
        return next(one["chart"] for one in listed if one["name"] == NAME)

    def leader(self) -> str:
        """The name of the pod that holds the Lease; empty where nobody does."""
        try:
            path = "-o=jsonpath={.spec.holderIdentity}"
            found = self._cluster.kubectl("get", "lease", NAME, f"-n={NAMESPACE}", path)
        except CommandError:
            return ""
        return found.rpartition("_")[0]

    def ready(self) -> set[str]:
        """The names of the replicas that are Ready."""
        return {
            name
            for name, pod in self.pods().items()
            for one in pod["status"].get("conditions", ())
            if one["type"] == "Ready" and one["status"] == "True"
        }

    def restarts(self) -> int:
        """How often a container of a replica that is there now was started again."""
        return sum(_container(pod).get("restartCount", 0) for pod in self.pods().values())

    def readiness(self, pod: str) -> dict[str, Any]:
        """What a replica says on ``/readyz``."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/readyz"
        said: dict[str, Any] = json.loads(self._cluster.kubectl("get", "--raw", path))
        return said

    def log(self, lines: int = -1) -> str:
        """What the replicas that are there now have said, a line each with its pod's name."""
        try:
            how = (_SELECTOR, "--prefix", f"--tail={lines}", "--ignore-errors")
            return self._cluster.kubectl("logs", f"-n={NAMESPACE}", *how)
        except CommandError as error:
            return str(error)

    def pod(self, name: str, *verb: str) -> None:
        """Does something to a replica: ``("delete",)``, say."""
        self._cluster.kubectl(*verb, "pod", name, f"-n={NAMESPACE}")


def _container(pod: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(pod["status"].get("containerStatuses", ())), {})
    return found
