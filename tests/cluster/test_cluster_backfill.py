"""Days of the past put into a real Prometheus, before it starts and while it runs."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from hack.cluster.backfill import BackfillError
from hack.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster

DAYS, MINUTE = 3, 60.0
COUNT = DAYS * 1440


def query(cluster: Cluster, text: str, at: float) -> dict[str, float]:
    """The values of a query at an instant, by their label ``pod``."""
    url = f"{cluster.prometheus_url}/api/v1/query"
    asked = {"query": text, "time": f"{at:.3f}"}
    found = requests.get(url, asked, timeout=10).json()["data"]["result"]
    return {each["metric"].get("pod", ""): float(each["value"][1]) for each in found}


def daily(peak: float) -> list[float]:
    """A counter whose rate has its peak once a day."""
    total, values = 0.0, []
    for minute in range(COUNT):
        total += MINUTE * peak * (1 - math.cos(2 * math.pi * minute / 1440)) / 2
        values.append(total)
    return values


def is_all_there(cluster: Cluster, name: str, start: float) -> None:
    """Two series of three days, the second one's peak double the first one's."""
    last = start + (COUNT - 1) * MINUTE
    noon = start + (DAYS - 0.5) * 86400
    held = query(cluster, f"count_over_time({name}[{DAYS}d])", last)
    assert held == {"a": COUNT, "b": COUNT}
    assert query(cluster, f"rate({name}[10m])", noon) == pytest.approx(
        {"a": 50, "b": 100}, rel=0.01
    )


def series(name: str) -> dict[str, list[float]]:
    return {f'{name}{{pod="a"}}': daily(50), f'{name}{{pod="b"}}': daily(100)}


def test_three_days_are_there_before_prometheus_starts_and_while_it_runs(
    built: None, tmp_path: Path
) -> None:
    start = float(int(time.time())) - DAYS * 86400 - 60
    with Cluster(tmp_path / "own") as cluster:
        cluster.backfill(series("early_total"), start=start, step=MINUTE)
        cluster.up(["prometheus"], scrape_seconds=1)
        is_all_there(cluster, "early_total", start)
        cluster.backfill(series("later_total"), start=start, step=MINUTE)
        is_all_there(cluster, "later_total", start)

        cluster.part("prometheus").stop()
        cluster.part("prometheus").start()
        is_all_there(cluster, "early_total", start)
        is_all_there(cluster, "later_total", start)
        deadline = time.monotonic() + 20
        while not query(cluster, 'up{job="prometheus"} == 1', time.time()):
            assert time.monotonic() < deadline, "nothing is scraped after the back-fill"
            time.sleep(0.2)


def test_no_value_is_no_sample_and_what_cannot_be_is_refused_with_what_to_change(
    own_cluster: Callable[..., Cluster],
) -> None:
    cluster = own_cluster("prometheus")
    start = time.time() - 4000
    cluster.backfill({"gap": [1.0, math.nan, 3.0], "never": [math.nan]}, start=start, step=600)
    assert query(cluster, "count_over_time(gap[1h])", start + 1800) == {"": 2.0}
    assert query(cluster, "gap", start + 600) == {}
    assert query(cluster, "gap", start + 1200) == {"": 3.0}
    with pytest.raises(ValueError, match=r"the last sample is .* s in the future"):
        cluster.backfill({"late": [1.0, 2.0]}, start=time.time(), step=600)
    with pytest.raises(BackfillError, match=r"promtool refused the samples: .*no\{name"):
        cluster.backfill({"no{name": [1.0]}, start=start, step=600)
