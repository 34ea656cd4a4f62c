"""The benchmark of a thousand autoscalers: what it serves is what they ask for, and its table."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.inferenceautoscaler.queries import asking
from hack.bench.runtime.cost import Spent
from hack.bench.runtime.phases import Start
from hack.bench.runtime.records import Changes
from hack.bench.runtime.report import table
from hack.bench.runtime.scalers import objects
from hack.bench.runtime.scalers.counters import Counters
from hack.bench.runtime.scalers.phases import Found, Reading, State, Surge
from hack.bench.runtime.scalers.rivals import Rival
from hack.bench.runtime.scalers.rows import rows
from hack.bench.runtime.scalers.setting import FULL
from hack.bench.runtime.scalers.ticks import Tick, Ticks

COUNT = 20


def test_every_autoscaler_finds_its_own_series_among_those_that_are_served() -> None:
    served = {
        tuple(sample.labels.get(name, "") for name in ("envoy_cluster_name", "namespace", "pod"))
        for family in text_string_to_metric_families(Counters(COUNT).exposition())
        for sample in family.samples
    }
    texts = set()
    for number in range(COUNT):
        spec = InferenceAutoscalerSpec.model_validate(objects.autoscaler(number)["spec"])
        namespace, name = objects.key(number)
        for one in asking(spec, namespace, name, 0):
            assert one.group is not None
            texts.add(one.value.text)
            if one.group.pods:
                assert {("", namespace, pod) for pod in objects.pods(number)} <= served
            else:
                assert any((*key, "", "") in served for key in one.group.keys)
    assert len(texts) == 3, "demand, concurrency and queue: the same of all"


def test_the_counters_grow_by_the_rate_and_never_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hack.bench.runtime.scalers.counters.time.monotonic", lambda: now)
    counters = Counters(COUNT)
    before = _completed(counters)
    now += 100.0
    after = _completed(counters)
    assert all(a >= b for a, b in zip(after, before, strict=True))
    grown = (sum(after) - sum(before)) / (100.0 * COUNT)
    assert grown == pytest.approx(counters.rate, rel=0.1)


def _completed(counters: Counters) -> list[float]:
    return [
        sample.value
        for family in text_string_to_metric_families(counters.exposition())
        for sample in family.samples
        if sample.name.endswith("rq_completed")
    ]


SPENT = Spent(0.5, 10.0)
TICKS = Ticks([Tick(0.8, 0.05), Tick(1.4, 0.1)], SPENT, SPENT, SPENT, 14.0, 200.0, 250.0, [])
GOOD = Found(
    first=Start(3.0, 20.0, 10.0),
    early=TICKS,
    reading=Reading(300.0, 400.0, SPENT, 250.0, 200.0),
    rest=TICKS,
    state=State(FULL.count, FULL.count, 10_000, 9_990),
    changes=Changes([0.1, 0.2], [0.01, 0.01], 0),
    surge=Surge([1.0, 2.0], 2),
    separately=SPENT,
    rivals={"by its defaults": Rival(60.0, SPENT, SPENT, 100.0)},
)


def test_a_run_that_reaches_everything_misses_nothing() -> None:
    lines = rows(GOOD, FULL)
    assert not [line.what for line in lines if line.met is False]
    assert "**NO**" not in table(lines)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (
            replace(GOOD, rest=replace(TICKS, each=[Tick(0.9, 0.1), Tick(2.1, 0.1)])),
            "last decision",
        ),
        (replace(GOOD, rest=replace(TICKS, highest=401.0)), "memory"),
        (replace(GOOD, rest=replace(TICKS, queries=5000.0)), "queries of a tick"),
        (replace(GOOD, state=State(FULL.count - 1, 0, 0, 0)), "all measured"),
        (replace(GOOD, changes=Changes([2.0], [0.01], 0)), "changed spec"),
        (replace(GOOD, changes=Changes([0.1], [0.01], 1)), "changed spec"),
    ],
)
def test_what_is_not_reached_is_said(found: Found, what: str) -> None:
    missed = [line.what for line in rows(found, FULL) if line.met is False]
    assert len(missed) == 1
    assert what in missed[0]
