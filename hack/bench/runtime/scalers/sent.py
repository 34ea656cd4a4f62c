"""How many queries Prometheus has answered, as it counts them itself."""

import urllib.request

from hack.bench.runtime.operator import Metrics
from hack.cluster.cluster import Cluster
from hack.cluster.site import Site

INSTANT, RANGE = "/api/v1/query", "/api/v1/query_range"


def sent(cluster: Cluster, handler: str) -> float:
    """Since Prometheus began, at one of its two handlers."""
    port = Site(cluster.folder).port("prometheus")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        found = Metrics(page.read().decode())
    return found.total("prometheus_http_requests_total", handler=handler)
