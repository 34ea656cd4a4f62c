"""Times the operator's container on the real node, from its first instant to its first /readyz."""

import http.client
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.cluster.cluster import Cluster
from hack.cluster.operator import ACCOUNT, NAMESPACE

_POD, _PORT = "startup", 8080
_ASK, _DEADLINE = 0.01, 60.0


class NotReadyError(Exception):
    """The operator was not ready in time; the message ends with what it said."""


@dataclass(frozen=True)
class Start:
    """One start: seconds until ready, and what it took until then: seconds of CPU, most bytes."""

    seconds: float
    cpu: float
    memory: int


def start(cluster: Cluster, reference: str) -> Start:
    """Starts the operator's container in a restricted pod without any volume, and times it.

    From the birth of its process to the first 200 of ``/readyz``, asked for every 10 ms. The
    cluster is to have a node, the image, and what ``operator.install`` gives it. The container
    starts twice and the second start counts: by then its pod has an address that can be asked.
    Raises NotReadyError after a minute.
    """
    cluster.apply(_pod(reference))
    try:
        cluster.kubectl("wait", f"pod/{_POD}", f"-n={NAMESPACE}", "--for=condition=Ready",
                        f"--timeout={_DEADLINE:.0f}s", seconds=_DEADLINE + 10)  # fmt: skip
        uid, address = _asked(cluster, "{.metadata.uid} {.status.podIP}").split()
        first = _process(uid)
        if first is None:
            raise NotReadyError(f"pod {_POD} is ready and has no process on this machine")
        os.kill(first, signal.SIGKILL)
        ready, pid = _await(cluster, uid, address, first)
        born, cpu = _times(pid)
        return Start(ready - born, cpu, _most_memory(pid))
    finally:
        cluster.kubectl("delete", "pod", _POD, f"-n={NAMESPACE}", "--ignore-not-found", "--force")


def _await(cluster: Cluster, uid: str, address: str, first: int) -> tuple[float, int]:
    """The instant of the first 200 after ``first`` has gone, and the process that gave it."""
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        pid = _process(uid)
        if pid is not None and pid != first and _ready(address):
            return time.clock_gettime(time.CLOCK_BOOTTIME), pid
        time.sleep(_ASK)
    said = cluster.kubectl("logs", _POD, f"-n={NAMESPACE}", "--tail=20")
    raise NotReadyError(f"not ready within {_DEADLINE:.0f} s; its log ends with\n{said}")


def _ready(address: str) -> bool:
    connection = http.client.HTTPConnection(address, _PORT, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _asked(cluster: Cluster, path: str) -> str:
    return cluster.kubectl("get", "pod", _POD, f"-n={NAMESPACE}", f"-o=jsonpath={path}")


def _process(uid: str) -> int | None:
    """The operator's process in a pod: the kubelet names its control group after the pod."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if (
                entry.name.isdigit()
                and f"pod{uid}" in (entry / "cgroup").read_text()
                and b"modelyard" in (entry / "cmdline").read_bytes()
            ):
                return int(entry.name)
    return None


def _times(pid: int) -> tuple[float, float]:
    """When a process began, in seconds since this machine did, and its seconds of CPU: proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[19]) / tick, (int(fields[11]) + int(fields[12])) / tick


def _most_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _pod(reference: str) -> dict[str, Any]:
    container = {
        "name": "operator",
        "image": reference,
        "imagePullPolicy": "Never",
        "args": ["run", f"--listen=:{_PORT}"],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": _PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _POD, "namespace": NAMESPACE},
        "spec": {"serviceAccountName": ACCOUNT, "containers": [container]},
    }
