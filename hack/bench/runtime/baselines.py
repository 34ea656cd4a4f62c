"""The same work by simpler means, measured on the same cluster in the same run."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from controllers.api.modelcanary import MODELCANARY
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.modelcanary.queries import Selector, counters, selector
from hack.bench.runtime import objects
from hack.bench.runtime.cost import Meter, Spent, memory
from hack.bench.runtime.setting import Size, program
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.process import Process
from hack.cluster.site import environment

THREADS = 8


@dataclass(frozen=True)
class Listing:
    """Seconds and CPU seconds of a bare list of the canaries, and of the routes."""

    canaries: tuple[float, float]
    routes: tuple[float, float]


def listing(cluster: Cluster) -> Listing:
    """Lists both kinds into caches, in a process of its own."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hack.bench.runtime.listing"),
            *("--kubeconfig", str(cluster.kubeconfig)),
        ],
        env=environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    found = json.loads(done.stdout)
    return Listing(tuple(found["modelcanaries"]), tuple(found["virtualservices"]))


@dataclass(frozen=True)
class Timers:
    """A kopf operator with a timer for each object: its restart in seconds, then its idle cost."""

    started: float
    spent: Spent
    resident: float


def timers(cluster: Cluster, size: Size) -> Timers:
    """Restarts it, waits for the first look at each object and measures while nothing happens.

    Restarts it, because at its first start it writes its finalizer to all objects at once, and
    keeps the memory of that.
    """
    _start(cluster, size)[0].stop(grace=2.0)
    process, started = _start(cluster, size)
    time.sleep(objects.INTERVAL)
    pid = process.pid() or 0
    meter = Meter(pid)
    time.sleep(size.rest)
    found = Timers(started, meter.read(), memory(pid)[0])
    process.stop(grace=2.0)
    return found


def _start(cluster: Cluster, size: Size) -> tuple[Process, float]:
    """The process, and the seconds until it had looked at each object once."""
    began = time.monotonic()
    process, port = program(cluster, "timers", [], "/", {"KUBECONFIG": str(cluster.kubeconfig)})
    while (seen := _seen(port)) < size.objects:
        if time.monotonic() - began > 900:
            raise TimeoutError(f"the timers' operator saw {seen} objects in 900 s")
        time.sleep(0.5)
    return process, time.monotonic() - began


def _seen(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
        return int(page.read())


def queries(cluster: Cluster, size: Size) -> float:
    """Seconds that a bare client takes for the queries of one block of every run."""
    until = int(time.time()) // objects.INTERVAL * objects.INTERVAL - objects.INTERVAL
    texts = [_text(number, until) for number in range(size.active)]
    return asked(cluster, texts, until).seconds


def asked(cluster: Cluster, texts: Sequence[str], at: int) -> Spent:
    """What it takes this process to send queries and read their answers, by eight threads."""
    began, cpu = time.monotonic(), time.process_time()
    with requests.Session() as session, ThreadPoolExecutor(THREADS) as pool:
        session.trust_env = False

        def ask(text: str) -> None:
            data = {"query": text, "time": str(at)}
            session.post(f"{cluster.prometheus_url}/api/v1/query", data=data, timeout=30).json()

        list(pool.map(ask, texts))
    return Spent(time.process_time() - cpu, time.monotonic() - began)


def _text(number: int, until: int) -> str:
    spec = ModelCanarySpec.model_validate(objects.canary(number)["spec"])
    guardrail = spec.guardrails[0]
    which = selector(guardrail.preset, spec.arms, objects.key(number)[0])
    if not isinstance(which, Selector):
        raise TypeError(f"{MODELCANARY.kind}: {which.message}")
    return counters(guardrail, which, 6.0 * objects.INTERVAL, until).text
