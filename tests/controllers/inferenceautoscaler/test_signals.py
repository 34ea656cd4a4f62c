"""What a signal says for each answer: a value, or why there is none; absent is never zero."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.api.inferenceautoscaler.status import Health, SignalStatus
from controllers.inferenceautoscaler.queries import EDGE_SECONDS, TEXTS, Asking, asking, edge
from controllers.inferenceautoscaler.seen import Pod
from controllers.inferenceautoscaler.signals import COMPLETE, FADE, Measured, measure
from controllers.readings import Answer, Answered, Gap, Missing, Series
from tests.controllers.inferenceautoscaler.specs import IN_FLIGHT, LATENCY, SPEC, spec
from tests.controllers.inferenceautoscaler.world import CLUSTER

AT = 1_800_000_000
OWN = {"name": "demand", "role": "Demand", "query": "up"}
FAILED = Missing(Gap.FAILED, "connection refused")


def ask(signal: Mapping[str, Any]) -> Asking:
    fields = spec(signals=[signal] if signal["role"] != "Guard" else [*SPEC["signals"], signal])
    read = InferenceAutoscalerSpec.model_validate(fields)
    return asking(read, "prod", "llm", AT)[-1]


def series(value: float, **labels: str) -> Series:
    return Series(labels, np.array([float(AT)]), np.array([value]))


def answer(*found: Series, warnings: tuple[str, ...] = ()) -> Answer:
    return Answer(found, warnings)


def said(
    signal: Mapping[str, Any],
    *answers: Answered,
    pods: tuple[Pod, ...] = (),
    share: float = 1.0,
    before: SignalStatus | None = None,
) -> Measured:
    asked = ask(signal)
    given = dict(zip((q for q in asked.all if not q.span), answers, strict=True))
    measured = measure(asked, given, pods, "prod", share, before)
    assert SignalStatus.model_validate(measured.status.wire()).health is measured.status.health
    return measured


@pytest.mark.parametrize(
    ("answered", "health", "value"),
    [
        (answer(series(12.5)), Health.OK, 12.5),
        (answer(series(0.0)), Health.OK, 0.0),
        (answer(), Health.ABSENT, None),
        (answer(series(math.nan)), Health.NOT_FINITE, None),
        (answer(series(math.inf)), Health.NOT_FINITE, None),
        (answer(series(-math.inf)), Health.NOT_FINITE, None),
        (answer(series(-1.0)), Health.NOT_FINITE, None),
        (answer(series(1e15)), Health.NOT_FINITE, None),
        (answer(series(1.0, a="1"), series(2.0, a="2")), Health.AMBIGUOUS, None),
        (FAILED, Health.FAILED, None),
    ],
)
def test_5_02_a_query_of_the_users_own(
    answered: Answered, health: Health, value: float | None
) -> None:
    found = said(OWN, answered)
    assert (found.status.health, found.value) == (health, value)


DEMAND = SPEC["signals"][0]
LABEL = {"envoy_cluster_name": CLUSTER}
OTHER = {"envoy_cluster_name": "outbound|80||other"}


@pytest.mark.parametrize(
    ("answered", "health", "value"),
    [
        (answer(series(30.0, **LABEL), series(9e3, **OTHER)), Health.OK, 30.0),
        (answer(series(-0.5, **LABEL)), Health.OK, 0.0),
        (answer(series(9e3, **OTHER)), Health.ABSENT, None),
        (answer(series(math.nan, **LABEL)), Health.NOT_FINITE, None),
        (answer(series(2e9, **LABEL)), Health.NOT_FINITE, None),
        (FAILED, Health.FAILED, None),
    ],
)
def test_5_06_a_presets_grouped_answer(
    answered: Answered, health: Health, value: float | None
) -> None:
    found = said(DEMAND, answered, answered, answer(series(8.0, **LABEL)), answered)
    assert (found.status.health, found.value) == (health, value)


def test_two_ways_to_write_a_cluster_are_one_target() -> None:
    both = answer(
        series(10.0, **LABEL), series(20.0, envoy_cluster_name=f"{CLUSTER};"), series(9.0, **OTHER)
    )
    assert said(DEMAND, both, both, both, both).value == 30.0


def test_5_01_what_prometheus_warns_of_is_a_lower_bound() -> None:
    one = series(30.0, **LABEL)
    info = answer(one, warnings=('PromQL info: metric might not be a counter: "x"',))
    assert said(DEMAND, info, info, info, info).ok
    partial = answer(one, warnings=("No StoreAPIs matched for this query",))
    found = said(DEMAND, partial, info, info, info)
    assert (found.status.health, found.value) == (Health.PARTIAL, 30.0)
    assert "StoreAPIs" in found.status.message
    late = said(LATENCY, answer(series(1.0, le="+Inf", **LABEL), warnings=("partial",)))
    assert (late.status.health, late.value) == (Health.PARTIAL, None)


@pytest.mark.parametrize(
    ("samples", "usual", "health"),
    [
        (8.0, None, Health.OK),
        (8.0, 8.0, Health.OK),
        (6.0, 8.0, Health.OK),
        (5.0, 8.0, Health.PARTIAL),
        (16.0, 8.0, Health.OK),
        (None, 8.0, Health.PARTIAL),
    ],
)
def test_5_07_fewer_samples_than_lately_are_a_part(
    samples: float | None, usual: float | None, health: Health
) -> None:
    before = SignalStatus(name="demand", health=Health.OK, expected=usual)
    found = answer(series(30.0, **LABEL))
    counted = answer() if samples is None else answer(series(samples, **LABEL))
    measured = said(DEMAND, found, found, counted, found, before=before)
    assert (measured.status.health, measured.value) == (health, 30.0)


def test_5_07_samples_that_stay_fewer_are_all_there_are_in_the_end() -> None:
    found, half = answer(series(30.0, **LABEL)), answer(series(4.0, **LABEL))
    before, decisions = SignalStatus(name="demand", health=Health.OK, expected=8.0), 0
    while True:
        before = said(DEMAND, found, found, half, found, before=before).status
        if before.health is Health.OK:
            break
        decisions += 1
    assert decisions == math.ceil(math.log(0.5 / COMPLETE) / math.log(FADE)) - 1


def test_5_04_what_was_lately_is_kept_while_there_is_no_answer() -> None:
    before = SignalStatus(name="demand", health=Health.OK, expected=8.0)
    gone = said(DEMAND, FAILED, FAILED, FAILED, FAILED, before=before)
    assert gone.status.expected == 8.0


def pods(*names: str, ready: bool = True) -> tuple[Pod, ...]:
    return tuple(Pod(name, "a", 0.0, 1.0 if ready else None) for name in names)


FLIGHT = {**IN_FLIGHT, "preset": "Vllm"}


def each(**values: float) -> Answer:
    return answer(*(series(v, namespace="prod", pod=name) for name, v in values.items()))


def test_the_pods_of_a_target_are_found_by_name() -> None:
    found = said(FLIGHT, each(a=3.0, b=4.0, stranger=50.0), pods=pods("a", "b"))
    assert (found.status.health, found.value) == (Health.OK, 7.0)


def test_5_07_a_ready_pod_that_is_not_scraped_makes_it_a_part() -> None:
    found = said(FLIGHT, each(a=3.0), pods=pods("a", "b" * 253))
    assert (found.status.health, found.value) == (Health.PARTIAL, 3.0)
    starting = said(FLIGHT, each(a=3.0), pods=(*pods("a"), *pods("b", ready=False)))
    assert starting.ok


@pytest.mark.parametrize(
    ("ready_ago", "health"),
    [(None, Health.WARMING), (1.0, Health.WARMING), (19.0, Health.WARMING), (20.0, Health.ABSENT)],
)
def test_a_replica_that_is_too_new_to_be_scraped_is_not_missed_yet(
    ready_ago: float | None, health: Health
) -> None:
    ready = None if ready_ago is None else AT - ready_ago
    fresh = Pod("b", "a", 0.0, ready)
    alone = said(FLIGHT, each(stranger=5.0), pods=(fresh,))
    assert (alone.status.health, alone.value) == (health, None)
    if ready is not None:
        both = said(FLIGHT, each(a=3.0), pods=(*pods("a"), fresh))
        partly = Health.PARTIAL if health is Health.ABSENT else Health.WARMING
        assert (both.status.health, both.value) == (partly, 3.0)
        assert not both.ok


def test_without_a_pod_there_is_nothing_that_one_works_on() -> None:
    assert said(FLIGHT, each(stranger=5.0)).value == 0.0
    assert said(FLIGHT, each(stranger=5.0), pods=pods("a")).status.health is Health.ABSENT


def test_5_34_a_guard_is_the_highest_of_the_pods() -> None:
    guard = {"name": "kv", "role": "Guard", "preset": "Vllm", "max": "0.9"}
    assert said(guard, each(a=0.2, b=0.95), pods=pods("a", "b")).value == 0.95


def test_5_15_a_route_is_shared_by_weight() -> None:
    found = answer(series(40.0, **LABEL))
    route = {**DEMAND, "scope": "Route"}
    measured = said(route, found, found, answer(series(8.0, **LABEL)), found, share=0.05)
    assert measured.value == pytest.approx(2.0)
    assert measured.lately == pytest.approx(2.0)
    assert measured.throughput == pytest.approx(2.0)
    assert said(DEMAND, found, found, answer(series(8.0, **LABEL)), found, share=0.05).value == 40.0


def histogram(**counts: float) -> Answer:
    return answer(
        *(
            series(n, le=le.removeprefix("le").replace("_", "."), **LABEL)
            for le, n in counts.items()
        ),
    )


@pytest.mark.parametrize(
    ("answered", "health", "met"),
    [
        (histogram(le250=5.0, le1000=9.0, **{"le+Inf": 10.0}), Health.OK, 0.9),
        (histogram(le250=5.0, le1000_0=9.0, **{"le+Inf": 10.0}), Health.OK, 0.9),
        (histogram(le1000=10.1, **{"le+Inf": 10.0}), Health.OK, 1.0),
        (histogram(le1000=0.0, **{"le+Inf": 0.0}), Health.OK, None),
        (histogram(le1000=math.nan, **{"le+Inf": math.nan}), Health.OK, None),
        (histogram(le250=5.0, le2500=9.0, **{"le+Inf": 10.0}), Health.ABSENT, None),
        (histogram(le1000=9.0), Health.ABSENT, None),
        (answer(), Health.ABSENT, None),
        (FAILED, Health.FAILED, None),
    ],
)
def test_5_02_latency_is_the_share_of_a_histograms_own_bucket(
    answered: Answered, health: Health, met: float | None
) -> None:
    found = said(LATENCY, answered)
    assert found.status.health is health
    assert found.value == (None if met is None else pytest.approx(met))


def test_a_limit_that_is_no_edge_is_told_which_there_are() -> None:
    found = said({**LATENCY, "limit": "2s"}, histogram(le250=5.0, le2500=9.0, **{"le+Inf": 10.0}))
    assert found.status.message == "limit 2s is no edge of the histogram; there are 250ms, 2s500ms"


def test_an_edge_that_is_no_number_is_none() -> None:
    assert edge("+Inf") == math.inf
    assert edge("0.5") == 0.5
    assert math.isnan(edge("fast"))


def test_every_preset_of_the_api_is_measured() -> None:
    roles = {role for _, role in TEXTS}
    assert roles == set(Role)
    latency = {preset for preset, role in TEXTS if role is Role.LATENCY}
    assert latency == set(EDGE_SECONDS)
