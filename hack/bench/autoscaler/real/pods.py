"""Plain pods that are whatever a script says: nothing runs, their status is written."""

import datetime
from collections.abc import Mapping
from typing import Any

import requests

from hack.bench.autoscaler.hpa_metrics import Pod, milli
from hack.cluster.cluster import Cluster
from hack.cluster.site import Site

LABELS = {"app": "target"}
SELECTOR = "app=target"
_HOLD = "bench.modelyard.dev/hold"
"""A finalizer, so that a pod on its way out stays until the script lets it go."""


class Pods:
    """The pods of one namespace, as an admin writes them."""

    def __init__(self, cluster: Cluster, namespace: str, base: float) -> None:
        pki = cluster.folder / "pki"
        port = Site(cluster.folder).port("kube-apiserver")
        self._url = f"https://127.0.0.1:{port}/api/v1/namespaces/{namespace}/pods"
        self.namespace = namespace
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))
        self._session.verify = str(pki / "ca.crt")
        self._base = base
        self._there: dict[int, tuple[str, Pod]] = {}
        self._made = 0

    def names(self) -> list[str]:
        """The pods' names in the order of the last ``show``."""
        return [self._there[place][0] for place in sorted(self._there)]

    def show(self, pods: tuple[Pod, ...]) -> bool:
        """Makes the pods be as given, by their place; whether anything changed.

        A pod's times are in seconds since ``base``. One that is deleting can only go.
        """
        changed = False
        for place in [place for place in self._there if place >= len(pods)]:
            self._let_go(*self._there.pop(place))
            changed = True
        for place, pod in enumerate(pods):
            new = pod._replace(samples=())  # what is measured is not of the pod
            old = self._there.get(place)
            if old is None or old[1] != new:
                self._there[place] = self._make(new, old)
                changed = True
        return changed

    def close(self) -> None:
        self._session.close()

    def _make(self, pod: Pod, old: tuple[str, Pod] | None) -> tuple[str, Pod]:
        if old and old[1].deleting and not pod.deleting:
            self._let_go(*old)
            old = None
        if old is None:
            self._made += 1
            old = f"pod-{self._made}", pod._replace(deleting=False)
            self._ask("POST", "", _pod(old[0], pod.request))
        self._ask("PATCH", f"/{old[0]}/status", {"status": self._status(pod)})
        if pod.deleting and not old[1].deleting:
            self._ask("DELETE", f"/{old[0]}", {"gracePeriodSeconds": 0})
        return old[0], pod

    def _let_go(self, name: str, pod: Pod) -> None:
        if not pod.deleting:
            self._ask("DELETE", f"/{name}", {"gracePeriodSeconds": 0})
        self._ask("PATCH", f"/{name}", {"metadata": {"finalizers": None}})

    def _status(self, pod: Pod) -> dict[str, Any]:
        ready = {
            "type": "Ready",
            "status": "True" if pod.ready else "False",
            "lastTransitionTime": self._time(pod.changed),
        }
        return {
            "phase": pod.phase.value,
            "startTime": None if pod.started is None else self._time(pod.started),
            "conditions": [] if pod.ready is None else [ready],
        }

    def _time(self, at: float) -> str:
        moment = datetime.datetime.fromtimestamp(self._base + at, datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _ask(self, method: str, where: str, body: Mapping[str, Any]) -> None:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        with self._session.request(
            method, self._url + where, json=body, headers={"Content-Type": kind}, timeout=30
        ) as answer:
            if not answer.ok:
                raise RuntimeError(f"{method} {where}: {answer.status_code} {answer.text}")


def _pod(name: str, request: float | None) -> dict[str, Any]:
    requested = {} if request is None else {"cpu": f"{milli(request)}m"}
    container = {"name": "main", "image": "none", "resources": {"requests": requested}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": LABELS, "finalizers": [_HOLD]},
        "spec": {"containers": [container]},
    }
