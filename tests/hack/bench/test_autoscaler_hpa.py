"""The model of the HPA by cases worked by hand, each named after the controller's rule it shows.

tests/cluster/test_hpa_model.py holds the model against the controller itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hack.bench.autoscaler.hpa import Hpa, HpaSpec, Observed
from hack.bench.autoscaler.hpa_behavior import DOWN, UP, Behavior, Change, Policy, Rules, Select
from hack.bench.autoscaler.hpa_metrics import Fleet, Metric, Phase, Pod, Sample, Source, Target

QUEUE = Metric(Source.EXTERNAL, Target.VALUE, 10)
QUEUE_EACH = Metric(Source.EXTERNAL, Target.AVERAGE_VALUE, 10)
IN_FLIGHT = Metric(Source.PODS, Target.AVERAGE_VALUE, 10)
CPU = Metric(Source.RESOURCE, Target.UTILIZATION, 50)
NOW = 10_000.0


def first(
    metric: Metric, spec: int, pods: Fleet | Sequence[Pod], value: float | None = None
) -> int:
    """What a fresh autoscaler asks for; room up to 100, and nothing held back downwards."""
    behavior = Behavior(
        replace(UP, policies=(Policy(Change.PODS, 100, 15),)), replace(DOWN, window=0)
    )
    hpa = Hpa(HpaSpec((metric,), max_replicas=100, behavior=behavior))
    return hpa.step(NOW, Observed(spec, spec, pods, (value,)))


def pods(*samples: float | None, **others: Any) -> tuple[Pod, ...]:
    """Running pods, long ready, with these values; None has no value."""
    return tuple(
        Pod((None if value is None else Sample(value, at=NOW),))._replace(**others)
        for value in samples
    )


@pytest.mark.parametrize(
    ("why", "metric", "replicas", "fleet", "value", "wanted"),
    [
        ("the value over its target, times those that serve", QUEUE, 4, Fleet(4), 20.0, 8),
        ("a surge pod that serves is multiplied too", QUEUE, 4, Fleet(5), 20.0, 10),
        ("a pod that starts is not", QUEUE, 4, Fleet(2, unready=2), 20.0, 4),
        ("without any pod there is no number", QUEUE, 4, Fleet(0), 20.0, 4),
        ("10 % above is near enough", QUEUE, 4, Fleet(4), 11.0, 4),
        ("a thousandth more is not", QUEUE, 4, Fleet(4), 11.001, 5),
        ("10 % below is near enough", QUEUE, 4, Fleet(4), 9.0, 4),
        ("the value over the target of each", QUEUE_EACH, 4, Fleet(4), 55.0, 6),
        ("what is missing changes nothing", QUEUE_EACH, 4, Fleet(4), None, 4),
        ("zero is a value", QUEUE_EACH, 4, Fleet(4), 0.0, 1),
        ("the mean over its target, times the ready", IN_FLIGHT, 4, Fleet(4, means=(15.0,)), 0, 6),
        ("unready pods count as 0 upwards", IN_FLIGHT, 4, Fleet(2, 2, means=(30.0,)), 0, 6),
        ("and may take all of the excess", IN_FLIGHT, 4, Fleet(2, 2, means=(15.0,)), 0, 4),
        ("they do not exist downwards", IN_FLIGHT, 4, Fleet(2, 2, means=(5.0,)), 0, 1),
        ("missing ones count as 0 upwards", IN_FLIGHT, 4, Fleet(2, 0, 2, (30.0,)), 0, 6),
        ("and as the target downwards", IN_FLIGHT, 4, Fleet(2, 0, 2, (5.0,)), 0, 3),
        ("nobody ready: no number", IN_FLIGHT, 4, Fleet(0, 4, 0, (5.0,)), 0, 4),
        ("use over requests, in whole per cent", CPU, 4, Fleet(4, means=(0.999,)), 0, 8),
        ("missing ones use all they request", CPU, 4, Fleet(3, 0, 1, (0.1,)), 0, 3),
    ],
)
def test_one_look_at_one_metric(
    why: str, metric: Metric, replicas: int, fleet: Fleet, value: float | None, wanted: int
) -> None:
    assert first(metric, replicas, fleet, value) == wanted, why


@pytest.mark.parametrize(
    ("why", "changed", "wanted"),
    [
        ("ready, started long ago", {}, 8),
        ("never ready within 30 s of its start", {"ready": False, "changed": 10.0}, 4),
        ("was ready, and is not any more", {"ready": False, "changed": 9_000.0}, 8),
        ("just started: the sample is older than its readiness", {"changed": NOW - 30.0}, 4),
        ("just started, a whole window ready", {"changed": NOW - 61.0}, 8),
        ("no condition yet", {"ready": None}, 4),
        ("no start time yet", {"started": None}, 4),
    ],
)
def test_cpu_of_a_pod_that_starts_does_not_count(
    why: str, changed: dict[str, Any], wanted: int
) -> None:
    fresh = {"started": NOW - 100.0} if why.startswith("just") else {}
    usual = pods(1.0, 1.0)
    others = pods(1.0, 1.0, **{**fresh, **changed})
    assert first(CPU, 4, usual + others) == wanted, why


def test_readiness_matters_to_cpu_only() -> None:
    starting = pods(20.0, 20.0, ready=False, started=NOW)
    assert first(IN_FLIGHT, 4, pods(20.0, 20.0) + starting) == 8
    assert first(replace(CPU, resource="memory", goal=1000), 4, pods(20.0, 20.0) + starting) == 8


def test_a_pod_that_goes_is_not_measured_but_serves_an_external_value() -> None:
    going = pods(100.0, deleting=True)
    assert first(IN_FLIGHT, 2, pods(20.0) + going) == 2
    assert first(QUEUE, 2, pods(20.0) + going, 20.0) == 4
    assert first(IN_FLIGHT, 2, pods(20.0) + pods(100.0, phase=Phase.FAILED)) == 2


def test_one_pod_without_a_request_spoils_a_utilisation() -> None:
    assert first(CPU, 4, pods(1.0, 1.0) + pods(0.1, request=None)) == 4


def stock(metric: Metric = QUEUE_EACH, most: int = 100, fewest: int = 1, **others: Any) -> Hpa:
    return Hpa(replace(HpaSpec((metric,), most, fewest), **others))


def play(hpa: Hpa, replicas: int, values: Sequence[float | None], every: float = 15.0) -> list[int]:
    """The replicas after each value, from one look to the next."""
    history = []
    for look, value in enumerate(values):
        seen = Observed(replicas, replicas, Fleet(replicas), (value,))
        replicas = hpa.step(NOW + every * look, seen)
        history.append(replicas)
    return history


def test_without_behavior_the_number_at_most_doubles_or_becomes_four() -> None:
    assert play(stock(), 1, [1000.0] * 6) == [4, 8, 16, 32, 64, 100]


def test_with_an_empty_behavior_it_at_most_doubles_or_grows_by_four_in_15_seconds() -> None:
    assert play(stock(behavior=Behavior()), 1, [1000.0] * 6) == [5, 10, 20, 40, 80, 100]
    assert play(stock(behavior=Behavior()), 1, [1000.0] * 5, every=5.0) == [5, 5, 5, 10, 10]


def test_it_goes_down_after_five_minutes_below_and_to_the_highest_of_them() -> None:
    history = play(stock(), 10, [100.0] + [40.0] * 5 + [60.0] + [40.0] * 24)
    assert history[:21] == [10] * 21
    assert history[21:27] == [6] * 6
    assert history[27:] == [4] * 4


def test_a_missing_value_is_no_recommendation_and_no_change() -> None:
    history = play(stock(), 10, [None] * 40)
    assert history == [10] * 40


@pytest.mark.parametrize(
    ("rules", "history"),
    [
        (Rules((Policy(Change.PODS, 2, 60),), window=0), [8, 8, 8, 8, 6, 6, 6]),
        (Rules((Policy(Change.PERCENT, 50, 30),), window=0), [5, 5, 2, 2, 1, 1]),
        (Rules((Policy(Change.PODS, 1, 15), Policy(Change.PERCENT, 50, 15)), window=0), [5, 2, 1]),
        (
            Rules(
                (Policy(Change.PODS, 1, 10), Policy(Change.PERCENT, 50, 10)), Select.MIN, window=0
            ),
            [9, 8, 7, 6],
        ),
        (Rules((), Select.DISABLED, window=0), [10, 10, 10]),
        (Rules((Policy(Change.PERCENT, 100, 15),), window=40), [10, 10, 10, 1]),
    ],
)
def test_policies_downwards(rules: Rules, history: list[int]) -> None:
    hpa = stock(behavior=Behavior(down=rules))
    assert play(hpa, 10, [1.0] * len(history)) == history


def test_upwards_a_window_waits_for_the_lowest_of_its_recommendations() -> None:
    hpa = stock(behavior=Behavior(up=replace(UP, window=40)))
    assert play(hpa, 4, [80.0, 80.0, 60.0, 80.0, 80.0, 80.0]) == [4, 4, 4, 6, 6, 8]


def test_each_direction_may_have_a_tolerance_of_its_own() -> None:
    hpa = stock(behavior=Behavior(replace(UP, tolerance=0.0), replace(DOWN, tolerance=0.5)))
    assert play(hpa, 10, [101.0]) == [11]
    assert play(hpa, 10, [51.0] * 30)[-1] == 10


def test_two_metrics_ask_for_the_higher_and_one_invalid_forbids_only_down() -> None:
    hpa = Hpa(HpaSpec((QUEUE_EACH, QUEUE_EACH), 100, downscale_stabilization=0.0))
    asked = [(50.0, 80.0), (80.0, None), (None, None), (20.0, None), (20.0, 30.0)]
    replicas, history = 5, []
    for look, values in enumerate(asked):
        seen = Observed(replicas, replicas, Fleet(replicas), values)
        replicas = hpa.step(NOW + 15.0 * look, seen)
        history.append(replicas)
    assert history == [8, 8, 8, 8, 3]


def test_a_number_beyond_its_limits_is_brought_back_without_a_look_at_metrics() -> None:
    assert play(stock(most=6), 10, [None]) == [6]
    assert play(stock(fewest=3), 2, [None]) == [3]


def test_an_average_counts_replicas_that_are_there_and_a_value_the_pods_that_serve() -> None:
    surge = Observed(spec=10, status=12, pods=Fleet(12), values=(105.0,))
    assert stock(QUEUE_EACH, behavior=Behavior()).step(NOW, surge) == 11
    assert stock(QUEUE, behavior=Behavior()).step(NOW, surge._replace(values=(12.0,))) == 15


def test_zero_by_itself_ends_with_the_metric_and_zero_by_another_is_left_alone() -> None:
    hpa = stock(fewest=0, downscale_stabilization=0.0)
    assert play(hpa, 3, [30.0, 0.0, 0.0, 1.0, 200.0]) == [3, 0, 0, 1, 4]
    assert play(stock(fewest=0), 0, [100.0] * 3) == [0, 0, 0]
    assert play(stock(fewest=1), 0, [100.0]) == [0]


values = st.integers(0, 100_000).map(lambda thousandths: thousandths / 1000)


@given(
    metric=st.sampled_from([IN_FLIGHT, CPU, replace(CPU, goal=120)]),
    each=values,
    ready=st.integers(0, 20),
    unready=st.integers(0, 20),
    missing=st.integers(0, 20),
    replicas=st.integers(1, 60),
)
def test_a_fleet_is_decided_as_its_pods_are(
    metric: Metric, each: float, ready: int, unready: int, missing: int, replicas: int
) -> None:
    one_by_one = (
        pods(*[each] * ready)
        + pods(*[each] * unready, phase=Phase.PENDING, ready=False)
        + pods(*[None] * missing)
    )
    seen = ready + unready > 0
    fleet = Fleet(ready, unready, missing, (each if seen else None,))
    assert first(metric, replicas, fleet) == first(metric, replicas, one_by_one)


@given(
    each=st.lists(st.one_of(st.none(), values), min_size=1, max_size=10),
    replicas=st.integers(0, 120),
    fewest=st.integers(1, 20),
    limits=st.sampled_from([None, Behavior()]),
)
def test_it_stays_within_its_limits_and_moves_only_on_a_value(
    each: list[float | None], replicas: int, fewest: int, limits: Behavior | None
) -> None:
    hpa = stock(fewest=fewest, most=100, behavior=limits)
    before = replicas
    for look, value in enumerate(each):
        after = play_one(hpa, before, look, value)
        if before == 0:
            assert after == 0
        else:
            assert fewest <= after <= 100
        if value is None and fewest <= before <= 100:
            assert after == before
        before = after


def play_one(hpa: Hpa, replicas: int, look: int, value: float | None) -> int:
    seen = Observed(replicas, replicas, Fleet(replicas), (value,))
    return hpa.step(NOW + 15.0 * look, seen)
