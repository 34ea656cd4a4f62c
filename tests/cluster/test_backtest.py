"""The command ``modelyard backtest`` on a real Prometheus that was filled with days of the past."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.readings import Answer, FloatArray, Query
from hack.cluster.cluster import Cluster
from operators.backtest.inferenceautoscaler import begin
from operators.backtest.manifest import load
from operators.backtest.recording import Recording
from operators.backtest.replay import instants, replay
from operators.backtest.report import Chart, when
from operators.cli import main
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus

pytestmark = pytest.mark.cluster

STEP, HOUR, DAY = 15, 3600, 86400
MANIFEST = """
apiVersion: modelyard.dev/v1alpha1
kind: InferenceAutoscaler
metadata: {name: llm, namespace: prod}
spec:
  targetRef: {name: llm}
  minReplicas: 2
  maxReplicas: 40
  signals:
    - {name: demand, role: Demand, preset: Istio}
    - {name: queue, role: Backlog, preset: Vllm}
  capacity: {requestsPerSecond: "10", concurrency: 8}
  startup: {initial: 5m}
"""
LABELS = {
    "reporter": "source",
    "destination_workload_namespace": "prod",
    "destination_workload": "llm",
}
DAYS = 3.25


def _series(**labels: str) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"istio_requests_total{{{pairs}}}"


def _counter(start: int, seed: int) -> FloatArray:
    """Three hours of four times the demand, at 9 o'clock each day; for half an hour no sample."""
    at = start + STEP * np.arange(int(DAYS * DAY / STEP))
    hour = at % DAY / HOUR
    rate = np.where((hour >= 9) & (hour < 12), 200.0, 50.0)
    total = np.cumsum(np.random.default_rng(seed).poisson(rate * STEP)).astype(np.float64)
    total[(hour >= 6) & (hour < 6.5)] = np.nan
    return total


class Filled:
    """A Prometheus with days of a recurring peak, which ended not long ago."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.end = int(time.time()) // DAY * DAY + 12 * HOUR
        self.end -= DAY * (self.end > time.time() - HOUR)
        start = self.end - int(DAYS * DAY)
        cluster.backfill(
            {
                _series(**LABELS): _counter(start, 1).tolist(),
                _series(**LABELS | {"destination_workload": "other"}): _counter(start, 2).tolist(),
            },
            start=start,
            step=STEP,
        )
        self.url = cluster.prometheus_url
        self.file = folder / "llm.yaml"
        self.file.write_text(MANIFEST)

    def run(self, *more: str, hours: float = 4.0) -> int:
        """Runs the command over the last hours, which are those around the peak."""
        return main(
            [
                *("backtest", str(self.file), f"--prometheus-url={self.url}"),
                *(f"--from={int(hours * 60)}m", f"--to={when(self.end, '%Y-%m-%dT%H:%M:%SZ')}"),
                *more,
            ]
        )


@pytest.fixture(scope="module")
def filled(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("backtest")
    with Cluster(folder / "own") as cluster:
        yield Filled(cluster.up(["prometheus"]), folder)


def test_a_manifest_is_tested_on_what_prometheus_has_of_it(
    filled: Filled, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert filled.run(f"--plot={tmp_path}/plot.svg") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(
        f"InferenceAutoscaler prod/llm, {when(filled.end - 4 * HOUR)} to {when(filled.end)} UTC"
    )
    # Only what is the target's: the other workload has as much again.
    highest = float(_found(r"requests/s on average and ([\d.]+) at its highest", out))
    assert 190 < highest < 230
    ours, other = re.findall(r"replica-hours +([\d.]+) +([\d.]+)", out)[0]
    assert float(ours) < 0.85 * float(other)
    # The recurring step is nearly met as it begins; the HPA is a start-up time behind.
    short, behind = re.findall(r"replica-hours below need +([\d.]+) +([\d.]+)", out)[0]
    assert float(short) < 0.5 < float(behind)
    wait, longer = re.findall(r"longest wait \(modelled\) +([\d.]+) s +([\d.]+) s", out)[0]
    assert float(wait) < 60 < float(longer)
    assert "Forecast asked for the most" in out
    assert "queue (Backlog) is modelled" in out
    assert int(_found(r"from (\d+) requests to Prometheus", out)) < 30
    assert (tmp_path / "plot.svg").read_text().count("<path") > 5


def test_what_came_after_the_end_of_a_test_would_have_changed_nothing(filled: Filled) -> None:
    """The same from the same beginning, whether the peak is yet to come or has been."""
    begin_at, peak = filled.end - 4 * HOUR, filled.end - 3 * HOUR + 300

    async def chart(until: int) -> Chart:
        prometheus = Prometheus(filled.url, Telemetry())
        run = begin(load(filled.file, [INFERENCEAUTOSCALER]), None)
        at = instants(begin_at, until, run.step)
        report = await replay(run, Recording(prometheus, at, _silent), at, _silent)
        prometheus.close()
        return report.chart

    short, long = asyncio.run(chart(peak)), asyncio.run(chart(filled.end))
    count = len(short.times)
    assert count == (peak - begin_at) / STEP + 1
    for line in ("times", "needed", "ours", "other"):
        assert np.array_equal(getattr(short, line), getattr(long, line)[:count], equal_nan=True)
    assert short.ours[0] < short.ours.max()


def test_what_is_played_back_is_what_prometheus_says_at_each_instant(filled: Filled) -> None:
    by = "destination_workload_namespace, destination_workload"
    texts = (
        f'sum by ({by}) (rate(istio_requests_total{{reporter="source"}}[60s]))',
        f'sum by ({by}) (count_over_time(istio_requests_total{{reporter="source"}}[60s]))',
        f"sum by ({by}) (0 * istio_requests_total / (0 * istio_requests_total))",
        "istio_requests_total offset 1h",
    )
    first, last = filled.end - 8 * HOUR, filled.end

    async def both() -> None:
        prometheus = Prometheus(filled.url, Telemetry())
        recording = Recording(prometheus, range(first, last + 1, STEP), _silent)
        queries = [Query(text, float(last), 37.5) for text in texts]
        await recording.read(dict.fromkeys(queries, lambda _: True))
        gap = range(filled.end - 6 * HOUR - 120, filled.end - 6 * HOUR + 120, STEP)
        for at in (*range(first, last, 1005), *gap, last):
            for text in texts:
                query = Query(text, float(at), 37.5)
                truth = await prometheus.answer(query)
                assert isinstance(truth, Answer)
                assert _told(recording.answer(query)) == _told(truth)
        prometheus.close()

    asyncio.run(both())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("{name: llm}\n  minReplicas", "{name: lmm}\n  minReplicas"),
            'no series has destination_workload_namespace="prod", destination_workload="lmm"',
        ),
        (("minReplicas: 2", "minReplicas: 50"), "spec.maxReplicas is 40: it must be at least 1"),
        (("preset: Istio", "query: 'sum(rate('"), "the query is wrong"),
        (("preset: Istio", "query: 'sum(x @ end())'"), "looks ahead: take out"),
    ],
)
def test_what_is_wrong_is_said_with_the_fix_and_no_report(
    filled: Filled, capsys: pytest.CaptureFixture[str], change: tuple[str, str], said: str
) -> None:
    filled.file.write_text(MANIFEST.replace(*change))
    try:
        assert filled.run(hours=0.5) == 2
    finally:
        filled.file.write_text(MANIFEST)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("modelyard backtest: ")
    assert said in err


def test_a_time_without_data_is_said(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    assert filled.run("--from=2020-01-01", "--to=2020-01-02") == 2
    said = capsys.readouterr().err
    assert "no data of signal demand from 2020-01-01 00:00 to 2020-01-02 00:00 UTC" in said
    assert "--prometheus-url" in said


def _told(answer: Answer) -> dict[tuple[tuple[str, str], ...], str]:
    """Each series' last value; as text, so that one NaN is another's equal."""
    return {tuple(sorted(one.labels.items())): repr(float(one.values[-1])) for one in answer.series}


def _silent(_what: str, _share: float) -> None:
    """Says nothing."""


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]
