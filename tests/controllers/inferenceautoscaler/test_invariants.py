"""What holds for an autoscaler whatever it measures, whoever meddles and whenever it dies."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.api.base import Model
from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.inferenceautoscaler.status import (
    InferenceAutoscalerStatus,
    RevisionCapacity,
)
from controllers.inferenceautoscaler import refuse
from controllers.inferenceautoscaler.scale import GAP
from controllers.inferenceautoscaler.seen import Share
from hack.generate.crd import schema
from tests.controllers.inferenceautoscaler import test_stories as stories
from tests.controllers.inferenceautoscaler.driven import SIGNALS, Driven, Input, Reading
from tests.controllers.inferenceautoscaler.specs import LATENCY, SPEC, ZERO, spec, steps, world
from tests.controllers.inferenceautoscaler.test_choose import assert_never_flaps
from tests.controllers.inferenceautoscaler.world import World

HOLD = 60.0
STATUS = schema(INFERENCEAUTOSCALER)["properties"]["status"]
NAMES = [one["name"] for one in SIGNALS]
NUMBERS: st.SearchStrategy[Reading] = st.floats(0, 200) | st.just(0.0)
GAPS: st.SearchStrategy[Reading] = st.sampled_from(
    ["absent", "failed", "several", math.nan, math.inf, -math.inf, -1.0, 1e300]
)


def readings(missing: bool) -> st.SearchStrategy[dict[str, Reading]]:
    value = NUMBERS | GAPS if missing else NUMBERS
    return st.fixed_dictionaries(dict.fromkeys(NAMES, value))


def inputs(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Input]]:
    usual: dict[str, st.SearchStrategy[Any]] = {
        "seconds": st.integers(1, 30),
        "readings": readings(missing=True),
        "outlook": st.none() | st.floats(0, 200),
        "ready": st.sampled_from([1.0, 1.0, 0.5, 0.0]),
        **fields,
    }
    return st.lists(st.builds(Input, **usual), max_size=60)


@settings(deadline=None)
@given(inputs(readings=readings(missing=False)), st.integers(0, 3))
def test_reversals_are_bounded_whatever_is_measured(given_row: list[Input], least: int) -> None:
    one = Driven(spec(signals=SIGNALS, minReplicas=least, scaleToZero={"idle": "1m"}))
    for given_one in given_row:
        one.step(given_one)
    assert_never_flaps(one.moves, HOLD)
    assert all(least <= to <= 20 for _, _, to in one.moves)


@settings(deadline=None)
@given(inputs(), st.integers(0, 3))
def test_nothing_is_taken_away_on_a_missing_number_nor_within_a_hold_after(
    given_row: list[Input], least: int
) -> None:
    one = Driven(spec(signals=SIGNALS, minReplicas=least))
    for given_one in given_row:
        one.step(given_one)
    assert_never_flaps(one.moves, HOLD)
    for at, before, after in one.moves:
        assert after > before or not [m for m in one.missing if 0 <= at - m <= HOLD]


@settings(deadline=None)
@given(inputs(killed=st.booleans(), lost=st.booleans()))
def test_5_21_killed_at_any_line_it_takes_nothing_back(given_row: list[Input]) -> None:
    one = Driven()
    for given_one in given_row:
        one.step(given_one)
    assert_never_flaps(one.moves, HOLD - GAP * 5.0)
    for at, before, after in one.moves:
        # What was missing may be forgotten with the last looks, but no more than these.
        since = [m for m in one.missing if 0 <= at - m <= HOLD - GAP * 5.0]
        assert after > before or not since


@settings(deadline=None, max_examples=15)
@given(
    inputs(
        seconds=st.integers(-100_000, 100_000) | st.integers(1, 10),
        set_by_another=st.none() | st.none() | st.integers(0, 30),
        killed=st.booleans(),
    )
)
def test_a_clock_that_jumps_takes_nothing_away_at_a_missing_number(given_row: list[Input]) -> None:
    one = Driven()
    for given_one in given_row:
        before = one.replicas if given_one.set_by_another is None else given_one.set_by_another
        plan = one.step(given_one)
        if one.missing[-1:] == [plan.status.instant] and before <= 20:
            assert one.replicas >= before
    busy = Input(5, dict.fromkeys(NAMES, 0.0), ready=1.0)
    for _ in range(250):  # ten minutes of them may be those of a conflict
        one.again(busy)
    assert one.replicas <= 4, "and it does not hold for ever what a wrong clock saw"


@settings(deadline=None, max_examples=30)
@given(inputs(), readings(missing=False))
def test_a_constant_input_is_a_fixed_point_two_decisions_after_the_hold(
    given_row: list[Input], constant: dict[str, Reading]
) -> None:
    swift = spec(
        signals=[one for one in SIGNALS if one["name"] != "met"],
        scaleUp={"percent": 1000, "replicas": 100, "period": "1s"},
        scaleDown={"hold": "60s", "percent": 100, "period": "1s"},
    )
    one = Driven(swift)
    for given_one in given_row:
        one.step(given_one)
    steady = Input(5, constant)
    for _ in range(int(2 * (30 + 2 * 5) / 5) + 3):
        one.again(steady)
    settled = one.replicas
    for _ in range(5):
        one.again(steady)
        assert one.replicas == settled


@pytest.mark.parametrize(
    "story", [stories.spike, stories.drop, stories.to_zero_and_back, stories.fallback]
)
@settings(max_examples=2, deadline=None)
@given(kills=st.sets(st.integers(1, 900), max_size=8))
def test_5_21_killed_in_a_story_it_keeps_its_promises(
    story: Callable[[], World], kills: set[int]
) -> None:
    class Killed(World):
        def tick(self) -> None:
            super().tick()
            if self.second in kills:
                self.restart()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.controllers.inferenceautoscaler.specs.World", Killed)
        story()


def test_5_21_killed_after_a_write_and_before_its_status_it_goes_on_as_if_it_had_not_been() -> None:
    one = world(demand=steps((0, 5), (100, 40), (160, 5)))
    one.run(99)
    one.lose_status = True
    one.run(40)
    one.lose_status = False
    one.run(400)
    assert max(to for _, _, to in one.moves) >= 10
    rises = [at for at, since, to in one.moves if to > since]
    falls = [at for at, since, to in one.moves if to < since]
    assert min(fall for fall in falls if fall > rises[-1]) - rises[-1] > HOLD


def test_5_21_an_increase_whose_status_was_lost_is_held_all_the_same() -> None:
    one = Driven()
    calm = {**dict.fromkeys(NAMES, 0.0), "met": 1.0}
    for _ in range(20):
        one.step(Input(5, {**calm, "demand": 12.0}))
    one.step(Input(5, {**calm, "demand": 60.0}, lost=True))
    risen = one.replicas
    assert risen > 4
    for _ in range(int(HOLD / 5)):
        one.step(Input(5, calm))
        assert one.replicas == risen


def test_5_20_the_first_action_on_a_running_workload_is_no_decrease() -> None:
    one = world(demand=steps((0, 5)), replicas=15)
    one.run(60)
    assert one.moves == []
    one.run(10)
    assert one.moves[0][1:] == (15, 12)


def test_5_13_and_5_11_starting_replicas_are_counted_as_supply() -> None:
    one = world({"scaleDown": {"hold": "60s"}}, demand=steps((0, 20)), startup=lambda _: 120)
    one.rate = 50.0  # No queue: what is asked for follows from the demand alone.
    one.run(400)
    assert [to for _, _, to in one.moves] == [6]


def test_5_23_a_maximum_below_the_replicas_is_reached_by_steps() -> None:
    one = world(demand=steps((0, 60)), replicas=16).run(100)
    one.edit(maxReplicas=4)
    one.run(100)
    assert [to for at, _, to in one.moves if at > 100] == [12, 9, 7, 6, 5, 4]


@pytest.mark.parametrize("mode", [{"mode": "Advisory"}, {"suspend": True}])
def test_advice_is_decided_and_not_written(mode: dict[str, Any]) -> None:
    one = world(mode, demand=steps((0, 40))).run(100)
    assert one.moves == []
    assert one.status.replicas.desired > one.status.replicas.current == 2
    assert one.status.decision.asked[0].replicas >= 10


def test_an_unreadable_spec_is_refused_and_holds_no_deletion_up() -> None:
    one = world(ZERO, demand=steps((0, 0))).run(400)
    assert one.finalizer
    plan = refuse(one.meta(), one.status, "spec.signals: Field required", one.now)
    assert plan.writes == ()
    assert plan.finalizer
    accepted = next(c for c in plan.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", "InvalidSpec")
    assert refuse(one.meta(), plan.status, "spec.signals: Field required", one.now).events == ()
    one.deleting = True
    assert not refuse(one.meta(), plan.status, "", one.now).finalizer


def conforms(value: Any, shape: dict[str, Any], where: str = "status") -> None:
    """Fails where the API server would refuse the value: lengths, patterns, enums and bounds."""
    if shape["type"] == "object":
        for name, inner in value.items():
            conforms(inner, shape["properties"][name], f"{where}.{name}")
    elif shape["type"] == "array":
        assert len(value) <= shape.get("maxItems", math.inf), where
        for i, inner in enumerate(value):
            conforms(inner, shape["items"], f"{where}[{i}]")
    elif shape["type"] == "string":
        assert isinstance(value, str), where
        assert len(value) <= shape.get("maxLength", math.inf), (where, value)
        assert "pattern" not in shape or re.search(shape["pattern"], value), (
            where,
            value,
        )
        assert "enum" not in shape or value in shape["enum"], where
    else:
        assert value >= shape.get("minimum", -math.inf), where


def checked(status: Model) -> int:
    """The size of a status on the wire, which the API server would accept."""
    wire = status.wire()
    conforms(wire, STATUS)
    return len(json.dumps(wire, separators=(",", ":")))


@settings(deadline=None, max_examples=25)
@given(inputs(seconds=st.integers(-1000, 1000), set_by_another=st.none() | st.integers(0, 10_000)))
def test_5_31_a_status_is_always_one_that_the_server_accepts(given_row: list[Input]) -> None:
    one = Driven(spec(signals=SIGNALS, minReplicas=0, maxReplicas=10_000))
    for given_one in given_row:
        plan = one.step(given_one)
        assert checked(plan.status) < 8192


def test_the_largest_status_stays_within_eight_kibibytes() -> None:
    long = "x" * 63
    signals = [
        {**SPEC["signals"][0], "name": f"d{long[1:]}"},
        {**SPEC["signals"][1], "name": f"q{long[1:]}"},
        {**LATENCY, "name": f"l{long[1:]}"},
        {"name": f"a{long[1:]}", "role": "Activation", "query": "waiting"},
        *(
            {"name": f"{i}{long[1:]}", "role": "Guard", "preset": "Vllm", "max": "0.9"}
            for i in range(4)
        ),
    ]
    schedules = [
        {
            "name": f"{i}{long[1:]}",
            "cron": "* * * * *",
            "timeZone": "America/Argentina/ComodRivadavia",
            "duration": "10m",
            "minReplicas": 1 + i,
        }
        for i in range(8)
    ]
    one = world(
        {
            "signals": signals,
            "schedule": schedules,
            "capacity": {"concurrency": 2, "requestsPerSecond": "5"},
        },
        demand=lambda s: 20 + 10 * math.sin(s / 50),
        replicas=10,
        room=8,
    )
    one.share = Share("c" * 253, 3, running=True, stable=True, weight=0.5)
    one.pods = [replace(pod, name=f"{pod.name:x<253}") for pod in one.pods]
    known = tuple(
        RevisionCapacity(
            revision=f"{i}" * 63, low=1.23456, high=2.34567, error=0.123456, samples=1000, met=1000
        )
        for i in range(4)
    )
    full = one.status.model_copy(
        update={
            "capacity": one.status.capacity.model_copy(update={"revisions": known}),
            "startup": one.status.startup.model_copy(
                update={"recent": tuple(range(10_000, 10_050)), "p50": 10_025.0, "p90": 10_045.0}
            ),
            "reversals": tuple(range(1_799_990_000, 1_799_990_050)),
        }
    )
    one.status = one.recorded = InferenceAutoscalerStatus.model_validate(full.wire())
    one.run(300)
    assert checked(one.status) < 8192
    one.scraped = lambda _instance, second: second < 300
    one.run(120)
    assert checked(one.status) < 8192
    assert one.status.message.startswith("stays at 10: Floor asks for 10 (ModelCanary")
