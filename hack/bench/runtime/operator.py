"""The operator of this checkout as a process, with its defaults and the rights of its own."""

import sys
import time
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from controllers.api.modelcanary import MODELCANARY
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.process import DiedError
from hack.cluster.site import Site, answers, environment

NAMESPACE = "modelyard-system"
USER = f"system:serviceaccount:{NAMESPACE}:modelyard"


class Operator:
    """``modelyard run`` on a cluster that has its CRDs and rights."""

    def __init__(self, cluster: Cluster) -> None:
        self._kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, "modelyard")
        self._prometheus = cluster.prometheus_url
        site = Site(cluster.folder)
        with locked(cluster.folder):
            site.choose_ports(["operator"])
        self._port = site.port("operator")
        self._process = site.process("operator")
        cluster.scrape("modelyard", f"127.0.0.1:{self._port}")

    @property
    def pid(self) -> int:
        """Raises DiedError with the last lines of its log when it does not run."""
        pid = self._process.pid()
        if pid is None:
            raise DiedError(self._process.said("is not running"))
        return pid

    def start(self) -> float:
        """Starts it; the seconds until it was ready."""
        began = time.monotonic()
        self._process.start(
            [
                *(sys.executable, "-m", "operators.cli", "run"),
                *("--kubeconfig", str(self._kubeconfig), "--prometheus-url", self._prometheus),
                *("--listen", f"127.0.0.1:{self._port}"),
            ],
            environment({"PYTHONPATH": str(ROOT)}),
        )
        self._process.await_ready(lambda: answers(self._port, "/readyz"), seconds=300)
        return time.monotonic() - began

    def kill(self) -> None:
        """Ends it without a farewell: it keeps the lease until that expires."""
        self._process.stop(grace=0.0)

    def stop(self) -> None:
        """Ends it as a kubelet does."""
        self._process.stop()

    def metrics(self) -> "Metrics":
        """What it says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as page:
            return Metrics(page.read().decode())

    def counted(self, reconciles: float, seconds: float) -> None:
        """Waits until it has reconciled so often and nothing is due. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            now = self.metrics()
            done = now.total("modelyard_reconciles_total")
            if done >= reconciles and not now.total("modelyard_queue_depth"):
                return
            if time.monotonic() > until:
                raise TimeoutError(f"{done:.0f} reconciles after {seconds:.0f} s")
            time.sleep(0.5)

    def settled(self, reconciles: float, seconds: float) -> float:
        """Waits until it has reconciled so often and has had nothing to do for 5 s.

        Returns the seconds until it was idle. Raises TimeoutError.
        """
        began = last = time.monotonic()
        before = -1.0
        while time.monotonic() - last < 5.0:
            now = self.metrics()
            done = now.total("modelyard_reconciles_total")
            busy = now.total("modelyard_queue_depth") + now.total("modelyard_in_flight")
            if done != before or busy or done < reconciles:
                before, last = done, time.monotonic()
            if time.monotonic() - began > seconds:
                raise TimeoutError(
                    f"{done:.0f} reconciles after {seconds:.0f} s, {busy:.0f} keys at work"
                )
            time.sleep(0.5)
        return last - began


class Metrics:
    """One page of metrics."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and _has(sample.labels, labels)
        )

    def buckets(self, name: str) -> dict[float, float]:
        """The histogram of that name for our canaries: how many were at most so much."""
        return {
            float(sample.labels["le"]): sample.value
            for sample in self._samples
            if sample.name == f"{name}_bucket" and sample.labels["kind"] == MODELCANARY.kind
        }


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
