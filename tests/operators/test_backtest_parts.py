"""The parts of a back-test: its file, its history, its replicas and queue, its drawing."""

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.readings import Answer, Answered, Gap, Missing, Query, Series
from operators.backtest import drawing
from operators.backtest.inferenceautoscaler.supply import LONG, Queue, Supply
from operators.backtest.manifest import load
from operators.backtest.recording import LEAST, Recording, RecordingError
from operators.backtest.replay import BacktestError
from operators.backtest.report import Chart

HEAD = """
apiVersion: modelyard.dev/v1alpha1
kind: InferenceAutoscaler
metadata: {name: llm, namespace: prod}
"""
SPEC = """
spec:
  targetRef: {name: llm}
  maxReplicas: 5
  signals: [{name: demand, role: Demand, preset: Istio}]
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: llm}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds 0 objects that can be back-tested (nothing): give a file with one"),
        (DEPLOYMENT, "holds 0 objects that can be back-tested (Deployment)"),
        (f"{HEAD}{SPEC}---{HEAD}{SPEC}", "holds 2 objects that can be back-tested"),
        ("a: [", "no YAML: while parsing"),
        (HEAD, "spec.targetRef: Field required"),
        (f"{HEAD}{SPEC}  minReplica: 2\n", "spec.minReplica: there is no such field"),
        (
            f"{HEAD}{SPEC}  slo: {{waits: 1s}}\n",
            "spec.slo.waits: there is no such field",
        ),
        (
            (HEAD + SPEC).replace("preset: Istio", "preset: Istio, scop: Route"),
            "spec.signals[0].scop: there is no such field",
        ),
        (f"{HEAD}{SPEC}  startup: {{initial: 3 min}}\n", "spec.startup.initial is '3 min'"),
        (
            (HEAD + SPEC).replace("v1alpha1", "v1"),
            "apiVersion is modelyard.dev/v1: this program reads modelyard.dev/v1alpha1",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_field_and_the_fix(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "llm.yaml"
    file.write_text(text)
    with pytest.raises(BacktestError) as refused:
        load(file, [INFERENCEAUTOSCALER])
    assert str(refused.value).startswith(f"{file}: ")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BacktestError, match=r"none\.yaml: No such file"):
        load(tmp_path / "none.yaml", [INFERENCEAUTOSCALER])


def test_the_file_may_be_what_is_applied_or_what_kubectl_gets(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"{DEPLOYMENT}---{HEAD}{SPEC}")
    found = load(file, [INFERENCEAUTOSCALER])
    assert (found.meta.namespace, found.meta.name) == ("prod", "llm")
    assert found.spec.max_replicas == 5
    one = "\n".join(f"  {line}" for line in (HEAD + SPEC).strip().splitlines())
    file.write_text(
        f"kind: List\napiVersion: v1\nitems:\n-{one[1:]}\n  status: {{startup: {{recent: [70]}}}}\n"
    )
    assert load(file, [INFERENCEAUTOSCALER]).status.startup.recent == (70,)


class Answering:
    """A Prometheus that refuses more than so many instants and remembers what it was asked."""

    def __init__(self, most: int = 20_000) -> None:
        self.most = most
        self.asked: list[Query] = []

    async def answer(self, query: Query) -> Answered:
        self.asked.append(query)
        first, last = query.grid if query.span else (round(query.at / 15),) * 2
        if last - first >= self.most:
            return Missing(Gap.FAILED, "too many samples")
        instants = [place for place in range(first, last + 1) if place % 3]
        values = [math.nan if place % 5 == 0 else float(place) for place in instants]
        series = Series({"a": "b"}, np.array(instants) * 15.0, np.array(values))
        return Answer((series, Series({"a": "c"}, np.array([first * 15.0]), np.array([1.0]))))


def _recorded(source: Answering, last: int, query: Query) -> Recording:
    recording = Recording(source, range(0, last + 1, 15), lambda _what, _share: None)
    asyncio.run(recording.read({query: lambda labels: labels["a"] == "b"}))
    return recording


def test_what_had_no_value_is_told_from_what_was_nan_and_others_series_are_left_out() -> None:
    recording = _recorded(Answering(), 3000, Query("up", 0.0))
    assert recording.answer(Query("up", 45.0)).series == ()
    (nan,) = recording.answer(Query("up", 75.0)).series
    assert math.isnan(nan.values[0])
    (one,) = recording.answer(Query("up", 105.0)).series
    assert (one.times[0], one.values[0], one.labels) == (105.0, 7.0, {"a": "b"})


def test_a_long_history_takes_few_requests_of_a_size_that_is_answered() -> None:
    source = Answering(most=11_000)
    _recorded(source, 86400 * 7, Query("up", 0.0))
    assert len(source.asked) < 12
    assert all(one.span / 15 < 10_000 for one in source.asked)
    small = Answering(most=100)
    recording = _recorded(small, 15 * 1000, Query("up", 0.0))
    assert recording.answer(Query("up", 15.0 * 998)).series[0].values[0] == 998


def test_what_is_never_answered_ends_it_with_the_query_and_the_reason() -> None:
    with pytest.raises(RecordingError, match=rf"too many samples \(asked for 'up' at {LEAST} inst"):
        _recorded(Answering(most=1), 15 * 1000, Query("up", 0.0))


@pytest.mark.parametrize("text", ["up @ end()", "up @start ()", "up offset -5m"])
def test_a_query_that_looks_ahead_by_its_own_text_is_refused(text: str) -> None:
    with pytest.raises(RecordingError, match="looks ahead: take out"):
        _recorded(Answering(), 3000, Query(text, 0.0))


@given(
    numbers=st.lists(st.integers(0, 12), min_size=1, max_size=30),
    startups=st.lists(st.integers(1, 200).map(float), min_size=1, max_size=5),
)
def test_replicas_follow_the_number_and_none_is_ready_before_its_time(
    numbers: list[int], startups: list[float]
) -> None:
    supply, before = Supply("llm", startups, 3, 0.0), 3
    for place, number in enumerate(numbers):
        at = 15.0 * (place + 1)
        ready = supply.ready(at)
        supply.scale(at, number)
        assert len(supply) == number == len(supply.pods(at))
        # What is not ready yet goes first.
        assert supply.ready(at) == min(ready, number)
        assert supply.ready(at + max(startups)) == number
        assert len({pod.name for pod in supply.pods(at)}) == number
        assert 0 <= supply.served(at - 15, at) <= 15 * max(before, number)
        before = number


def test_a_replica_serves_from_the_second_it_is_ready() -> None:
    supply = Supply("llm", [20.0], 1, 0.0)
    supply.scale(0.0, 2)
    assert supply.served(0, 15) == 15
    assert supply.served(15, 30) == 15 + 10
    assert [pod.ready_at for pod in supply.pods(19.0)] == [-LONG, None]
    assert [pod.ready_at for pod in supply.pods(20.0)] == [-LONG, 20.0]


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.one_of(st.just(0.0), st.floats(0.1, 100))), max_size=40
    )
)
def test_nothing_is_lost_in_the_queue(intervals: list[tuple[float, float]]) -> None:
    queue, came, most = Queue(2.0), 0.0, 0.0
    for demand, capacity in intervals:
        queue.flow(15.0, demand, capacity)
        came, most = came + 15 * demand, most + 15 * capacity
        assert came - most - 1e-6 <= queue.waiting <= came + 1e-6
        assert 0.0 <= queue.late <= 1.0
        assert (queue.longest > 2.0) >= (queue.late > 0.0)


def test_waits_are_those_of_a_line_that_is_served_in_order() -> None:
    queue = Queue(2.0)
    queue.flow(10.0, 14.0, 10.0)  # 40 wait, the last of them for 4 s
    assert (queue.waiting, queue.longest, queue.late) == (40.0, 4.0, 0.5)
    queue.flow(10.0, 6.0, 10.0)
    assert (queue.waiting, queue.late) == (0.0, 0.5)
    queue.flow(10.0, 1.0, 0.0)
    assert (queue.longest, queue.late) == (math.inf, 1.0)


def _chart(needed: list[float], ours: list[float], other: list[float]) -> Chart:
    times = 3600.0 * np.arange(len(ours), dtype=np.float64)
    return Chart(
        times,
        "replicas",
        np.array(needed, dtype=np.float64),
        np.array(ours, dtype=np.float64),
        np.array(other, dtype=np.float64),
        ("needed", "this spec", "HPA <at> 60 %"),
    )


def test_the_drawing_tells_what_was_missing_from_what_was_too_much() -> None:
    drawn = drawing.text(_chart([6, 6, 2, math.nan], [12, 3, 4, 4], [9, 9, 9, 12]))
    rows = [line.split("|")[1].ljust(4) for line in drawn.splitlines() if "|" in line]
    columns = ["".join(column) for column in zip(*rows, strict=True)]
    assert columns == ["░░░-░░██████", "   -  !!!███", "   -    ░░██", "-       ░░░░"]


def test_the_svg_leaves_out_what_is_not_known_and_escapes_names() -> None:
    drawn = drawing.svg(_chart([6, math.nan, 2], [12, 3, 4], [9, 9, 9]), "a & b")
    needed = next(line for line in drawn.splitlines() if drawing.COLOURS[0] in line)
    assert needed.count("M") == 2
    assert "a &amp; b" in drawn
    assert "&lt;at&gt;" in drawn
