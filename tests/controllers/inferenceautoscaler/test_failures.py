"""What goes wrong with autoscalers, each by the number of the list it was found on."""

from dataclasses import replace

import pytest

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import (
    Health,
    InferenceAutoscalerStatus,
    Scaled,
    SignalStatus,
)
from controllers.inferenceautoscaler.seen import Pod, Share, Target
from controllers.inferenceautoscaler.situation import Situation, work
from tests.controllers.inferenceautoscaler.driven import SIGNALS, Driven, Input
from tests.controllers.inferenceautoscaler.specs import (
    IN_FLIGHT,
    LATENCY,
    SPEC,
    WAITING,
    ZERO,
    spec,
    steps,
    world,
)
from tests.controllers.inferenceautoscaler.world import DEPLOYMENT, START, World

BUSY = {"demand": 20.0, "queue": 0.0, "flight": 5.0, "arrivals": 1.0, "met": 1.0, "kv": 0.1}


def falls(w: World, after: int = 0, before: int = 10_000) -> list[int]:
    """When replicas were taken away, between two seconds."""
    return [at for at, since, to in w.moves if to < since and after <= at < before]


def test_5_01_prometheus_down_takes_nothing_away_nor_does_the_hold_after_it() -> None:
    w = world(demand=steps((0, 30), (210, 5)), replicas=9)
    w.prometheus = lambda second: not 200 <= second < 400
    w.run(900)
    assert falls(w, after=400)
    assert falls(w, after=200)[0] > 400 + 60 - 5


def test_5_03_short_and_zero_windows_after_a_restart_take_nothing_away() -> None:
    w = world(demand=steps((0, 30)), replicas=8).run(200)
    w.forget()
    w.run(300)
    assert w.moves == []
    # Counters that come back at zero, and windows that hold less than before.
    w.counters.clear()
    w.forget()
    w.run(300)
    assert w.moves == []


def test_5_04_a_gauge_that_is_not_scraped_is_not_known_after_two_scrapes() -> None:
    w = world(demand=steps((0, 30)), replicas=8)
    w.scraped = lambda _instance, second: second < 100
    w.run(115)
    assert {one.name: one.health for one in w.status.signals}["queue"] is Health.ABSENT
    w.run(300)
    assert w.moves == []


def test_5_05_a_counter_that_is_reset_is_neither_a_rush_nor_a_lull() -> None:
    w = world(demand=steps((0, 30)), replicas=8).run(100)
    for labels in w.counters:
        w.counters[labels] = 0.0
    w.run(300)
    assert w.moves == []


def test_5_08_completions_that_saturate_are_a_lower_bound_that_grows() -> None:
    signals = [{"name": "demand", "role": "Demand", "preset": "Istio"}]
    w = world({"signals": signals}, demand=steps((0, 10), (100, 40)), replicas=4).run(900)
    assert not falls(w, before=300)
    assert w.moves[-1][2] >= 8


def test_5_08_arrivals_are_seen_while_no_replica_answers() -> None:
    w = world({"mode": "Advisory"}, demand=steps((0, 10)), replicas=4).run(100)
    w.pods = [replace(one, ready_at=None, created=w.now + 10_000.0) for one in w.pods]
    w.run(60)
    assert w.status.demand.now == pytest.approx(10.0, rel=0.05)


def test_5_10_concurrency_at_its_cap_still_asks_for_more() -> None:
    one = Driven(spec(signals=SIGNALS, capacity={"concurrency": 8}))
    full = {**BUSY, "flight": 4 * 8.0}
    one.step(Input(5, full))
    assert one.replicas > 4


def test_5_12_replicas_that_never_get_ready_are_not_added_to_without_end() -> None:
    w = world(demand=steps((0, 5), (100, 15)), rate=5.0, startup=lambda _: None)
    w.run(200)
    before = w.target.replicas if w.target else 0
    w.run(600)
    assert w.target is not None
    assert w.target.replicas == before < 20
    assert "no replica got ready" in next(
        c.message for c in w.status.conditions if c.type == "SloAtRisk"
    )


def test_5_12_replicas_that_get_ready_one_by_one_are_added_to() -> None:
    """Each gets ready between two decisions: that is progress, though none is seen at one."""
    one = Driven(spec(signals=SIGNALS, maxReplicas=100), replicas=60)
    for ready in range(4, 50):
        one.step(Input(5, BUSY, ready=ready / one.replicas))
        one.step(Input(2, BUSY, ready=(ready + 1) / one.replicas))
        one.now -= 2
        assert one.status.starved_for <= 5.0


def test_a_load_that_no_number_follows_from_is_not_measured() -> None:
    kept = {"replicas": 9, "after": "10s"}
    one = Driven(spec(signals=SIGNALS, capacity={"concurrency": 2}, fallback=kept))
    for _ in range(5):
        one.step(Input(5, {**BUSY, "flight": "absent"}))
    assert one.replicas == 9
    assert next(c for c in one.status.conditions if c.type == "MetricsAvailable").reason == "Blind"


def test_5_14_more_pods_in_a_rollout_are_no_more_demand() -> None:
    asked = []
    for surge in (0, 4):
        one = Driven()
        one.step(Input(5, BUSY))
        one.replicas += surge
        asked.append(one.step(Input(5, BUSY)).status.decision.asked[0].replicas)
    assert asked[0] == asked[1]


def test_5_17_what_someone_else_scales_is_not_written_to() -> None:
    w = world(demand=steps((0, 50)), replicas=3)
    w.owner = "ScaledObject " + "x" * 253
    w.run(100)
    assert w.moves == []
    assert len(w.told) == 1, "it is said once"
    w.spec["targetRef"] = {"name": "y" * 253}
    for name in ("a" * 253, "b" * 253):
        w.holder = name
        w.wake()
        w.run(2)
        w.wake()
        w.run(2)
    assert len(w.told) == 3, "and once for each other one"


def test_5_18_a_number_raised_by_hand_counts_as_asked_for() -> None:
    w = world(demand=steps((0, 5)), replicas=3).run(102)
    w.set(8, "kubectl-scale")
    w.run(60)
    assert w.moves == []
    w.run(80)
    assert falls(w)


def test_5_19_a_target_made_again_within_an_interval_is_adopted() -> None:
    w = world(demand=steps((0, 5)), replicas=3).run(101)
    w.recreate(9)
    w.run(60)
    assert w.moves == []
    assert w.status.target_uid == "uid-2"


def test_5_22_every_write_is_refused_by_the_server_if_the_target_has_changed() -> None:
    w = world(demand=steps((0, 5), (3, 50)), replicas=3).run(2)
    assert w.target is not None
    w.target = replace(w.target, resource_version="7")
    w.run(60)  # Settling asserts that each write names the version that was read.
    assert w.moves
    assert int(w.target.resource_version) == 7 + len(w.moves)


def test_5_24_work_in_flight_keeps_the_last_replica() -> None:
    # One long stream: no arrival for an hour, but it is being worked on.
    fields = spec(signals=SIGNALS, minReplicas=0, scaleToZero={"idle": "1m"})
    quiet = {**dict.fromkeys(BUSY, 0.0), "met": 1.0}
    for flight, left in ((1.0, 1), (0.0, 0)):
        one = Driven(fields, replicas=1)
        for _ in range(720):
            one.step(Input(5, {**quiet, "flight": flight}))
        assert one.replicas == left


def test_5_24_a_queue_that_is_only_upstream_wakes_it() -> None:
    fields = {**ZERO, "signals": [{**IN_FLIGHT, "preset": "Vllm"}, WAITING]}
    w = world(fields, demand=steps((0, 0), (100, 3)), replicas=0).run(300)
    assert w.moves[0][:2] == (100, 0)
    assert w.ready > 0


def test_5_27_a_forecast_of_little_does_not_keep_demand_from_being_served() -> None:
    one = Driven()
    one.step(Input(5, {**BUSY, "demand": 60.0}, outlook=0.5))
    assert one.status.decision.asked[0].reason == "Demand"
    assert one.replicas > 4


def test_5_34_a_guard_never_adds_a_replica() -> None:
    one = Driven()
    for _ in range(100):
        one.step(Input(5, {**BUSY, "demand": 5.0, "kv": 1.0}))
    assert one.moves == []
    assert next(c for c in one.status.conditions if c.type == "DecreaseHeld").message == (
        "kv is 1, above 0.9"
    )


def test_a_long_name_of_a_canary_fits_into_what_is_said() -> None:
    w = world(demand=steps((0, 5)))
    w.share = Share("c" * 253, 1, running=True, stable=True, weight=1.0)
    w.run(20)
    assert w.status.floor is not None


def test_a_miss_without_news_adds_nothing_more() -> None:
    w = world({"signals": [*SPEC["signals"], LATENCY]}, demand=steps((0, 20)), replicas=7)
    w.service = 3.0
    w.run(30)
    assert w.status.slo.missed_for > 1
    w.demand = steps((0, 0))
    w.run(60)
    assert w.status.slo.missed_for == 0


def test_what_more_replicas_could_not_help_teaches_no_caution() -> None:
    one = Driven(spec(signals=SIGNALS, maxReplicas=4))
    for _ in range(100):
        one.step(Input(5, {**BUSY, "demand": 60.0, "met": 0.0}))
    assert one.status.decision.limited_by == "Maximum"
    learned = one.status.demand.reserve
    for _ in range(100):
        one.step(Input(5, {**BUSY, "demand": 60.0, "met": 0.0}))
    assert one.status.demand.reserve == learned
    one.edit(maxReplicas=40)
    for _ in range(100):
        one.step(Input(5, {**BUSY, "demand": 60.0, "met": 0.0}))
    assert one.status.demand.reserve is not None
    assert one.status.demand.reserve > (learned or 1.0)


# What the capacity of a replica is learned from.

AT = START
POD = Pod("a", "x", AT - 1000.0, AT - 900.0)
LOAD = Situation(
    demand=10.0,
    lately=10.0,
    backlog=None,
    in_flight=None,
    activation=None,
    met=None,
    throughput=9.0,
    unknown=(),
    held=(),
    blind=False,
)


def worked(
    pods: tuple[Pod, ...] = (POD, POD), status: dict[str, object] | None = None, **found: object
) -> tuple[float | None, bool, bool | None]:
    fields = spec(signals=[*SPEC["signals"], IN_FLIGHT])
    before = InferenceAutoscalerStatus(
        signals=(
            SignalStatus(name="queue", health=Health.OK, value=3.0),
            SignalStatus(name="in-flight", health=Health.OK, value=4.0),
        ),
    ).model_copy(update=status or {})
    target = Target(DEPLOYMENT, "u", "1", 2, "", "x", pods)
    ready = sum(one.ready_at is not None for one in pods)
    read = InferenceAutoscalerSpec.model_validate(fields)
    done = work(read, before, target, ready, replace(LOAD, **found), AT)  # type: ignore[arg-type]
    return done.throughput, done.steady, done.saturated


def test_replicas_that_stayed_are_measured() -> None:
    assert worked() == (9.0, True, None)
    assert worked(backlog=2.0) == (9.0, True, True)
    assert worked(backlog=0.0) == (9.0, True, False)
    assert worked(in_flight=3.9)[2] is True
    assert worked(in_flight=3.0)[2] is False
    assert worked(unknown=("demand is Partial",))[0] is None


def scaled(at: int, before: int, after: int) -> dict[str, object]:
    last = Scaled(at=at, from_replicas=before, to_replicas=after, reason="Demand")
    return {"last_scaled": last}


STARTING = Pod("b", "x", AT - 5.0, None)


@pytest.mark.parametrize(
    ("pods", "status", "steady"),
    [
        ((POD, replace(POD, ready_at=AT - 19.0)), {}, False),
        ((POD, replace(POD, ready_at=AT - 20.0)), {}, True),
        ((POD, STARTING), scaled(AT - 5, 1, 2), True),
        ((POD, replace(STARTING, revision="y")), {}, False),
        ((POD, replace(POD, leaving=True)), {}, False),
        ((POD, POD), scaled(AT - 19, 3, 2), False),
        ((POD, POD), scaled(AT - 20, 3, 2), True),
        ((POD, POD), {"resets": (AT - 19,)}, False),
        ((), {}, False),
    ],
)
def test_what_came_or_went_in_the_window_of_the_rate_measures_nothing(
    pods: tuple[Pod, ...], status: dict[str, object], steady: bool
) -> None:
    assert worked(pods, status)[1] is steady


def test_a_queue_of_a_moment_is_no_saturation() -> None:
    w = world({"signals": [*SPEC["signals"], LATENCY]}, demand=steps((0, 8)), replicas=4)
    w.run(100)
    w.demand = lambda s: 60.0 if s == 104 else 8.0
    w.run(10)
    assert all(one.samples == 0 for one in w.status.capacity.revisions)
