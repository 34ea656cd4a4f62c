"""The program from which the HPA has its demand: external metrics, each a query of Prometheus."""

import argparse
import http.client
import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from urllib.parse import quote, urlsplit

from controllers.api.base import go_duration
from hack.bench.autoscaler.real.apis import AwayError, external_metrics
from hack.bench.autoscaler.real.extension import extended
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.process import Process
from hack.cluster.site import CommandError, Site, environment

_SECONDS = 5.0


def ask(url: str, query: str, lookback: float) -> list[float]:
    """The values of a query now, one for each series; raises AwayError.

    ``lookback`` is the age in seconds from which on a sample counts no more.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)
    try:
        asked = f"query={quote(query)}&lookback_delta={go_duration(lookback)}"
        connection.request("GET", f"/api/v1/query?{asked}")
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AwayError(f"Prometheus: {error}") from error
    finally:
        connection.close()
    if answer.get("status") != "success":
        raise AwayError(f"Prometheus: {answer.get('error', 'no success')}")
    return [float(series["value"][1]) for series in answer["data"]["result"]]


def serve(cluster: Cluster, namespace: str, metric: str, query: str, lookback: float) -> Process:
    """Starts the program until the API server has a value of the metric; raises DiedError."""
    process = Site(cluster.folder).process("external-metrics")
    process.start(
        [
            *(sys.executable, "-m", "hack.demo.autoscaler.metrics", "--namespace", namespace),
            *("--folder", str(cluster.folder), "--metric", metric, "--query", query),
            *("--lookback", str(lookback)),
        ],
        environment({"PYTHONPATH": str(ROOT)}),
    )
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}"
    process.await_ready(lambda: _serves(cluster, path), seconds=60)
    return process


def _serves(cluster: Cluster, path: str) -> bool:
    try:
        return '"value"' in cluster.kubectl("get", "--raw", path)
    except CommandError:
        return False


def main() -> None:
    """Answers until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the cluster")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--query", required=True)
    parser.add_argument("--lookback", type=float, required=True, help="in seconds")
    chosen = parser.parse_args()
    cluster = Cluster(chosen.folder)

    def values(namespace: str, metric: str) -> list[float]:
        if (namespace, metric) != (chosen.namespace, chosen.metric):
            return []
        try:
            return ask(cluster.prometheus_url, chosen.query, chosen.lookback)
        except AwayError as away:
            print(away, file=sys.stderr, flush=True)  # for the log of this program
            raise

    signal.signal(signal.SIGTERM, _end)
    with extended(cluster, external_metrics(values)):
        threading.Event().wait()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
