"""An InferenceAutoscaler on recorded demand, from the manifest to the report."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.plan import Meta
from controllers.readings import Answer, Answered, FloatArray, Query, Series
from operators.backtest.inferenceautoscaler import begin
from operators.backtest.kinds import RUNS
from operators.backtest.manifest import Manifest
from operators.backtest.recording import Recording
from operators.backtest.replay import BacktestError, instants, replay
from operators.backtest.report import Report
from operators.cli.backtest import shown

HOUR, DAY = 3600, 86400
START = 1_790_000_000 // DAY * DAY
ISTIO = {"destination_workload_namespace": "prod", "destination_workload": "llm"}
META = Meta("prod", "llm", "live", 1, "2026-01-01T00:00:00Z")
SPEC: dict[str, Any] = {
    "targetRef": {"name": "llm"},
    "maxReplicas": 30,
    "signals": [{"name": "demand", "role": "Demand", "preset": "Istio"}],
    "capacity": {"requestsPerSecond": "10", "concurrency": 8},
    "startup": {"initial": "2m"},
    "forecast": {"mode": "Off"},
}

Demand = Callable[[FloatArray], FloatArray]
"""Requests per second at some times; NaN: nothing was recorded."""


class Recorded:
    """A Prometheus whose every rate is the demand of the past."""

    def __init__(self, demand: Demand, labels: Mapping[str, str] = ISTIO) -> None:
        self.demand, self.labels = demand, labels
        self.asked: list[Query] = []

    async def answer(self, query: Query) -> Answered:
        self.asked.append(query)
        step = query.step or 1.0
        first, last = query.grid if query.span else (round(query.at),) * 2
        times = step * np.arange(first, last + 1, dtype=np.float64)
        values = self.demand(times)
        there = np.isfinite(values)
        if "count_over_time" in query.text:
            values = np.full(len(times), 16.0)
        return Answer((Series(self.labels, times[there], values[there]),) if there.any() else ())


def _manifest(spec: Mapping[str, Any], status: Mapping[str, Any] | None = None) -> Manifest:
    return Manifest(
        INFERENCEAUTOSCALER,
        META,
        InferenceAutoscalerSpec.model_validate(spec),
        InferenceAutoscalerStatus.model_validate(status or {}),
    )


def _tested(
    source: Recorded,
    seconds: int,
    spec: Mapping[str, Any] = SPEC,
    status: Mapping[str, Any] | None = None,
    start: int = START,
) -> Report:
    run = begin(_manifest(spec, status), None)
    at = instants(start, start + seconds, run.step)
    history = Recording(source, at, _silent)
    return asyncio.run(replay(run, history, at, _silent))


def _silent(what: str, share: float) -> None:
    assert what
    assert 0.0 <= share <= 1.0


def _figure(report: Report, name: str) -> str:
    """Of ours, from the table of both sides."""
    return next(row[1] for row in report.tables[0].rows if row[0] == name)


def _steps(*steps: tuple[float, float]) -> Demand:
    """The demand of each from its time (hours after the start) on; NaN: not recorded."""
    hours, rates = np.array(steps).T

    def demand(at: FloatArray) -> FloatArray:
        return np.asarray(rates[np.searchsorted(START + HOUR * hours, at, side="right") - 1])

    return demand


def _daily(at: FloatArray) -> FloatArray:
    """Three hours of four times the demand, at the same time of every day, and a little noise."""
    hour = at % DAY / HOUR
    return np.where((hour >= 9) & (hour < 12), 200.0, 50.0) + np.sin(at * 12.9898) % 1.0


def test_replicas_follow_the_demand_after_their_start_up_time() -> None:
    report = _tested(Recorded(_steps((-500, 40), (1, 95))), 2 * HOUR)
    ours, needed, at = report.chart.ours, report.chart.needed, report.chart.times
    change = int(np.argmax(at >= START + HOUR))
    assert needed[change] > needed[change - 1]
    assert ours[change - 1] == needed[change - 1]
    assert ours[-1] == needed[-1]
    # What is missing for the start-up time is said: 2 minutes and the look that noticed.
    assert 120 <= float(_figure(report, "time below need, hours")) * HOUR <= 165
    assert _figure(report, "reversals (up, then down)") == "0"


def test_what_comes_later_changes_nothing_before_it() -> None:
    spec = SPEC | {"forecast": {"mode": "Auto", "history": "72h"}}
    until = START + HOUR

    def other(at: FloatArray) -> FloatArray:
        return np.where(at <= until, _daily(at), 900.0)

    one = _tested(Recorded(_daily), 2 * HOUR, spec)
    two = _tested(Recorded(other), 2 * HOUR, spec)
    known = one.chart.times <= until
    assert known.sum() == 241
    for line in ("needed", "ours", "other"):
        first, second = getattr(one.chart, line), getattr(two.chart, line)
        assert np.array_equal(first[known], second[known])
        assert not np.array_equal(first, second)


def test_a_recurring_peak_is_met_ahead_of_time_once_its_days_are_in_the_history() -> None:
    start, spec = START + 8 * HOUR + HOUR // 2, SPEC | {"startup": {"initial": "5m"}}
    auto = spec | {"forecast": {"mode": "Auto", "history": "168h"}}
    with_forecast = _tested(Recorded(_daily), HOUR, auto, start=start)
    without = _tested(Recorded(_daily), HOUR, spec, start=start)
    ahead, behind = (_figure(one, "replica-hours below need") for one in (with_forecast, without))
    assert float(ahead) < 0.1 * float(behind)
    assert float(behind) > 1.0
    assert re.search(r"its bound was to hold for \d.* and held for", with_forecast.facts[-1])
    assert "There was no forecast: it is off." in without.facts


def test_what_is_not_known_is_no_reason_to_go_down_and_is_counted() -> None:
    gap = range(START + HOUR, START + 2 * HOUR)
    report = _tested(Recorded(_steps((-500, 95), (1, np.nan), (2, 95))), 3 * HOUR)
    assert set(report.chart.ours[report.chart.times >= gap[0]]) == {report.chart.needed[-1]}
    assert np.all(np.isnan(report.chart.needed[np.isin(report.chart.times, gap)]))
    assert "Demand was known at 66.71 %" in report.facts[1]
    assert any(row[0] == "demand was Absent" for row in report.tables[1].rows)


def test_thousands_of_decisions_take_a_few_requests() -> None:
    source = Recorded(_daily)
    report = _tested(source, 6 * HOUR, SPEC | {"forecast": {"mode": "Auto"}})
    assert len(report.chart.times) == 6 * HOUR / 15 + 1
    assert len(source.asked) < 20
    assert all(one.span / one.step < 11_000 for one in source.asked if one.span)


def test_signals_of_pods_that_never_were_are_modelled_or_left_out_and_it_says_which() -> None:
    spec = SPEC | {
        "signals": [
            *SPEC["signals"],
            {"name": "queue", "role": "Backlog", "preset": "Vllm"},
            {"name": "in-flight", "role": "Concurrency", "preset": "Vllm"},
            {"name": "first-token", "role": "Latency", "preset": "Vllm", "limit": "2s"},
            {"name": "kv", "role": "Guard", "preset": "Vllm", "max": "0.9"},
        ]
    }
    source = Recorded(_steps((-500, 40), (1, 195)))
    report = _tested(source, 2 * HOUR, spec)
    assert not any("vllm" in one.text for one in source.asked)
    said = " ".join(report.notes)
    for name in ("queue", "in-flight", "first-token"):
        assert re.search(rf"{name} \(\w+\) is modelled", said)
    assert "kv (Guard) is left out" in said
    # The queue of the minutes without replicas is seen, and asks for more; nothing is unknown.
    reasons = [row[0] for row in report.tables[1].rows]
    assert "Backlog asked for the most" in reasons
    assert not any(" was " in one and "held" not in one for one in reasons)
    assert report.chart.ours.max() > report.chart.needed.max()


@pytest.mark.parametrize(
    "signals",
    [
        [
            {"name": "demand", "role": "Demand", "preset": "Envoy"},
            {"name": "queue", "role": "Backlog", "preset": "Envoy"},
            {"name": "in-flight", "role": "Concurrency", "preset": "Envoy"},
            {"name": "late", "role": "Latency", "preset": "Envoy", "limit": "1s"},
        ],
        [
            {"name": "demand", "role": "Demand", "query": "sum(rate(my_requests_total[1m]))"},
            {"name": "queue", "role": "Backlog", "query": "sum(my_queue)"},
            {"name": "late", "role": "Latency", "query": "my_share"},
        ],
        [
            {"name": "demand", "role": "Demand", "preset": "Triton"},
            {"name": "queue", "role": "Backlog", "preset": "Triton"},
        ],
    ],
    ids=["envoy", "own-queries", "triton"],
)
def test_every_preset_can_be_played_back(signals: list[dict[str, str]]) -> None:
    labels = {
        "Envoy": {"envoy_cluster_name": "outbound|80||llm.prod.svc.cluster.local;"},
        "Triton": {"namespace": "prod", "pod": "llm-5d8f-abcde"},
    }.get(signals[0].get("preset", ""), {})
    spec = SPEC | {"signals": signals, "service": {"host": "llm", "port": 80}}
    report = _tested(Recorded(_steps((-500, 40), (0.5, 95)), labels), HOUR, spec)
    assert not [row for row in report.tables[1].rows if " was " in row[0]]
    assert report.chart.ours[-1] >= report.chart.needed[-1]


def test_none_are_kept_where_nothing_comes_and_one_is_woken_by_the_first_request() -> None:
    spec = SPEC | {
        "minReplicas": 0,
        "scaleToZero": {"idle": "15m"},
        "signals": [
            *SPEC["signals"],
            {"name": "came", "role": "Activation", "preset": "Istio"},
            {"name": "queue", "role": "Backlog", "preset": "Vllm"},
        ],
    }
    report = _tested(Recorded(_steps((-500, 0), (3, 5))), 4 * HOUR, spec)
    assert report.chart.ours[719] == 0.0
    assert report.chart.ours[-1] == report.chart.needed[-1] > 0.0


def test_what_the_live_object_has_learned_is_planned_with_and_its_own_past_is_not() -> None:
    status = {
        "instant": "2030-01-01T00:00:00Z",
        "window": [{"at": "2030-01-01T00:00:00Z", "replicas": 30}],
        "startup": {"p50": "1m", "p90": "70s", "recent": [50, 60, 70]},
        "capacity": {
            "revisions": [
                {"revision": "a", "low": "10", "high": "11", "error": "0.1", "samples": 50,
                 "met": 50}
            ]
        },
    }  # fmt: skip
    spec = SPEC | {"capacity": {"concurrency": 8}}
    report = _tested(Recorded(_steps((-500, 40))), HOUR, spec, status)
    assert "10.87 requests/s per replica (learned)" in report.facts[0]
    assert "a median of 1m, learned" in report.facts[0]
    assert report.chart.ours.max() < 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maxReplicas": 0}, "spec.maxReplicas is 0: it must be at least 1"),
        ({"minReplicas": 40}, "spec.maxReplicas is 30: it must be at least 1 and not below"),
        ({"capacity": {"concurrency": 4}}, "spec.capacity.requestsPerSecond: what one replica"),
        ({"capacity": {"requestsPerSecond": "0"}}, "requestsPerSecond must be above 0"),
        ({"analysis": {"interval": "0s"}}, "spec.analysis.interval is 0s: give whole seconds"),
        ({"analysis": {"scrapeInterval": "10m"}}, "spec.analysis.scrapeInterval is 600s: give"),
        ({"slo": {"objective": "1.5"}}, "spec.slo.objective is 1.5: give 0.5 to 0.9999"),
        ({"forecast": {"quantile": "1"}}, "spec.forecast.quantile is 1: give a probability"),
        (
            {"signals": [{"name": "n", "role": "Concurrency", "preset": "Envoy"}]},
            "spec.service: preset Envoy needs its host and port",
        ),
        (
            {"signals": [{"name": "n", "role": "Concurrency", "preset": "Vllm"}]},
            "spec.signals: none has role Demand",
        ),
        (
            {"signals": [{"name": "n", "role": "Demand"}]},
            "spec.signals[n]: give preset or query, and not both",
        ),
        (
            {"signals": [{"name": "n", "role": "Demand", "preset": "Vllm"}]},
            "spec.signals[n].preset: Vllm does not measure role Demand",
        ),
        (
            {"signals": [{"name": "n", "role": "Latency", "preset": "Istio"}]},
            "spec.signals[n].limit: give when an answer is late",
        ),
        (
            {"schedule": [{"name": "day", "cron": "0 8 * * 9", "duration": "1h",
                           "minReplicas": 2}]},
            "spec.schedule[day].cron: '0 8 * * 9' is no cron expression",
        ),
    ],
)  # fmt: skip
def test_a_spec_that_would_give_figures_of_no_meaning_is_refused_with_its_field(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        begin(_manifest(SPEC | change), None)


def test_a_prometheus_without_that_time_says_what_it_looked_for_and_when() -> None:
    with pytest.raises(BacktestError) as told:
        _tested(Recorded(_steps((-500, 1)), {"destination_workload": "other"}), HOUR)
    said = str(told.value)
    assert "no data of signal demand from 2026-09-21 00:00 to 2026-09-21 01:00 UTC" in said
    assert 'destination_workload_namespace="prod", destination_workload="llm"' in said
    assert "retention" in said


def test_less_than_two_decisions_are_none() -> None:
    with pytest.raises(BacktestError, match="--from and --to are less than two steps of 15 s"):
        instants(START, START + 14, 15)


def test_every_kind_that_is_offered_is_one_of_ours() -> None:
    assert all(name == crd.kind for name, (crd, _) in RUNS.items())


def test_the_step_may_be_another_and_nothing_is_written_where_it_would_be() -> None:
    spec = SPEC | {"mode": "Advisory", "suspend": True}
    run = begin(replace(_manifest(spec)), 60)
    at = instants(START, START + HOUR, run.step)
    source = Recorded(_steps((-500, 40), (0.5, 95)))
    report = asyncio.run(replay(run, Recording(source, at, _silent), at, _silent))
    assert len(report.chart.times) == 61
    assert report.chart.ours[-1] > report.chart.ours[0]
    assert "a decision every 1m" in shown(report)
