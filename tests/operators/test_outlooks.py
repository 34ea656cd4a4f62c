"""Forecasts of autoscalers: made from their own series, remade when there is reason, in turns."""

import asyncio
import math

import numpy as np
import pytest

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from controllers.inferenceautoscaler import needs
from controllers.plan import Meta
from controllers.readings import Answer, Answered, Gap, Missing, Query, Series
from controllers.stats.forecast import Outlook, outlook
from operators.inferenceautoscaler.background import Background
from operators.inferenceautoscaler.outlooks import AT_ONCE, Outlooks

NOW = 1_790_000_000.0 // 60 * 60
STATUS = InferenceAutoscalerStatus()
DAYS = 3


def spec(preset: str = "Istio", **more: object) -> InferenceAutoscalerSpec:
    signal = {"name": "demand", "role": "Demand", "preset": preset}
    return InferenceAutoscalerSpec.model_validate(
        {
            "targetRef": {"name": "llm"},
            "maxReplicas": 10,
            "signals": [signal],
            "capacity": {"requestsPerSecond": "8"},
            **more,
        }
    )


def meta(uid: str = "1") -> Meta:
    return Meta("ns", "llm", uid, 1, "2026-01-01T00:00:00Z")


def series(labels: dict[str, str], now: float, minutes: int, level: float = 100.0) -> Series:
    times = np.asarray(now // 60 * 60 - 60.0 * np.arange(minutes)[::-1], dtype=np.float64)
    values = level * (1.0 + 0.3 * np.sin(times / 86400.0 * 2 * math.pi))
    return Series(labels, times, values)


ISTIO = {"destination_workload_namespace": "ns", "destination_workload": "llm"}
OTHER = {"destination_workload_namespace": "ns", "destination_workload": "other"}


def asked(of: InferenceAutoscalerSpec, now: float) -> Query:
    return next(query for query in needs(meta(), of, STATUS, now) if query.span)


def answers(
    of: InferenceAutoscalerSpec, now: float, *found: Series, since: float = -math.inf
) -> dict[Query, Answered]:
    return {asked(of, now): Answer(found, since=since)}


def look(
    outlooks: Outlooks,
    of: InferenceAutoscalerSpec,
    found: dict[Query, Answered],
    now: float,
) -> tuple[Outlook | None, Outlook | None]:
    """What a look says once all is made that an earlier one at the same instant had lined up."""
    outlooks.look(meta(), of, STATUS, found, now)
    while outlooks.make_one():
        pass
    return outlooks.look(meta(), of, STATUS, found, now)


def test_the_forecast_is_that_of_the_targets_own_demand() -> None:
    own = series(ISTIO, NOW, DAYS * 1440)
    found = answers(spec(), NOW, series(OTHER, NOW, DAYS * 1440, 900.0), own)
    near, later = look(Outlooks(), spec(), found, NOW)
    assert near is not None
    assert later is not None
    # Three minutes until ready, two intervals of 15 s and the minute begun, then twice that.
    start = round(float(own.times[0]) / 60)
    for one, horizon in ((near, 5), (later, 10)):
        direct = outlook(own.values.astype(np.float64), start, horizon)
        assert one.upper(0.9) == pytest.approx(direct.upper(0.9))
        assert one.trusted


def test_what_was_made_serves_until_the_next_minute_of_history() -> None:
    outlooks = Outlooks()
    found = answers(spec(), NOW, series(ISTIO, NOW, DAYS * 1440))
    first = look(outlooks, spec(), found, NOW)
    assert look(outlooks, spec(), found, NOW + 15) == first
    assert look(outlooks, spec(), {}, NOW + 30) == first, "between two instants"
    later = answers(spec(), NOW + 60, series(ISTIO, NOW + 60, DAYS * 1440))
    assert look(outlooks, spec(), later, NOW + 60) != first


def test_a_minute_that_is_read_after_it_was_asked_for_is_not_left_out() -> None:
    outlooks = Outlooks()
    before = series(ISTIO, NOW - 60, DAYS * 1440)
    first = look(outlooks, spec(), answers(spec(), NOW, before), NOW)
    now = NOW + 15
    rising = series(ISTIO, now, DAYS * 1440)
    rising.values[-1] *= 3.0
    near, later = look(outlooks, spec(), answers(spec(), now, rising), now)
    assert near is not None
    assert first[0] is not None
    assert near.upper(0.9) > 1.2 * first[0].upper(0.9)
    assert later is not None


@pytest.mark.parametrize(
    "gone",
    [Missing(Gap.FAILED, "away"), Answer(()), Answer((series(OTHER, NOW, 2000),))],
    ids=["Prometheus is away", "no series", "only another target's"],
)
def test_without_newer_history_it_serves_for_five_minutes(gone: Answered) -> None:
    outlooks = Outlooks()
    found = answers(spec(), NOW, series(ISTIO, NOW, DAYS * 1440))
    first = look(outlooks, spec(), found, NOW)
    at = NOW + 240
    assert look(outlooks, spec(), {asked(spec(), at): gone}, at) == first
    at = NOW + 300
    assert look(outlooks, spec(), {asked(spec(), at): gone}, at) == (None, None)


def test_nothing_is_forecast_from_nothing() -> None:
    empty = answers(spec(), NOW, since=math.inf)
    assert look(Outlooks(), spec(), empty, NOW) == (None, None)
    off = spec(forecast={"mode": "Off"})
    assert look(Outlooks(), off, {}, NOW) == (None, None)


def test_what_lies_before_the_part_that_was_read_is_not_taken_for_known() -> None:
    own = series(ISTIO, NOW, DAYS * 1440)
    since = NOW - 200 * 60
    part = answers(spec(), NOW, own, since=since)
    near, _ = look(Outlooks(), spec(), part, NOW)
    assert near is not None
    assert not near.trusted


def test_it_is_made_anew_while_the_history_is_being_read_back() -> None:
    outlooks = Outlooks()
    own = series(ISTIO, NOW, DAYS * 1440)
    part = answers(spec(), NOW, own, since=NOW - 200 * 60)
    near, _ = look(outlooks, spec(), part, NOW)
    assert near is not None
    assert not near.trusted
    for now in (NOW + 60, NOW + 120):
        whole = answers(spec(), now, series(ISTIO, now, DAYS * 1440))
        near, _ = look(outlooks, spec(), whole, now)
    assert near is not None
    assert near.trusted


def test_it_is_made_anew_once_all_history_is_read_back() -> None:
    """Else, half of it could be all that a forecast rests on for the next six hours."""
    outlooks = Outlooks()
    of = spec(forecast={"history": f"{24 * DAYS}h"})
    for now, since in ((NOW, NOW - 3000 * 60), (NOW + 60, -math.inf), (NOW + 120, -math.inf)):
        found = answers(of, now, series(ISTIO, now, DAYS * 1440), since=since)
        near, _ = look(outlooks, of, found, now)
    values = series(ISTIO, NOW + 120, DAYS * 1440).values.astype(np.float64)
    direct = outlook(values, round(NOW / 60) + 3 - DAYS * 1440, 5)
    assert near is not None
    assert near.samples == pytest.approx(direct.samples, abs=14)


def test_many_that_are_due_at_once_are_made_in_turns() -> None:
    outlooks = Outlooks()
    found = answers(spec(), NOW, series(ISTIO, NOW, 1500))

    def made() -> list[int]:
        looks = (outlooks.look(meta(str(n)), spec(), STATUS, found, NOW) for n in range(5))
        return [sum(one is not None for one in both) for both in looks]

    assert made() == [0, 0, 0, 0, 0]
    assert outlooks.make_one()
    assert made() == [1, 0, 0, 0, 0]
    while outlooks.make_one():
        pass
    assert made() == [2, 2, 2, 2, 2]
    assert outlooks.in_line == 0


def test_of_a_thousand_that_are_due_at_once_most_serve_from_the_next_look_on() -> None:
    outlooks = Outlooks()
    uids = [meta(str(n)) for n in range(AT_ONCE + 20)]

    def reach(now: float) -> list[bool]:
        """Whether the forecast of each is of the newest minute."""
        found = answers(spec(), now, series(ISTIO, now, 1500))
        seen = [outlooks.look(one, spec(), STATUS, found, now)[0] for one in uids]
        new = [near for near in seen if near is not None and near not in before]
        before.extend(new)
        return [near in new for near in seen]

    before: list[Outlook] = []
    reach(NOW)
    while outlooks.make_one():
        pass
    reach(NOW)
    while outlooks.make_one():
        pass
    assert reach(NOW + 15) == [False] * AT_ONCE + [True] * 20
    assert reach(NOW + 60) == [True] * AT_ONCE + [False] * 20
    while outlooks.make_one():
        pass
    assert reach(NOW + 75) == [False] * AT_ONCE + [True] * 20


def test_what_is_in_line_for_an_autoscaler_that_goes_is_not_made() -> None:
    outlooks = Outlooks()
    found = answers(spec(), NOW, series(ISTIO, NOW, 1500))
    assert outlooks.look(meta(), spec(), STATUS, found, NOW) == (None, None)
    assert outlooks.look(meta(), spec(forecast={"mode": "Off"}), STATUS, {}, NOW) == (None, None)
    while outlooks.make_one():
        pass
    assert outlooks.look(meta(), spec(), STATUS, found, NOW) == (None, None)


def test_pieces_in_the_background_rest_and_let_others_have_their_turn() -> None:
    order: list[str] = []

    def piece() -> bool:
        order.append("piece")
        return order.count("piece") < 3

    async def story() -> None:
        background = Background(piece)
        background.wake()
        background.wake()
        order.append("waker")
        while order.count("piece") < 3:
            await asyncio.sleep(0.0)
            order.append("other")
        await asyncio.sleep(0.0)
        background.wake()
        await asyncio.sleep(0.0)

    asyncio.run(story())
    assert order[0] == "waker"
    assert order.count("piece") == 4
    assert "other" in order[order.index("piece") : -1]


def test_the_pods_of_a_deployment_are_known_by_their_names_even_when_they_are_gone() -> None:
    own = spec("Triton")
    minutes = DAYS * 1440
    past = {"namespace": "ns", "pod": "llm-5d4f8c7b9-abcde"}
    young = {"namespace": "ns", "pod": "llm-6c9d7f5b4-x2x9k"}
    large = {"namespace": "ns", "pod": "llm-large-6c9d7f5b4-x2x9k"}
    elsewhere = {**past, "namespace": "other"}
    found = answers(
        own,
        NOW,
        *(series(labels, NOW, minutes) for labels in (past, young)),
        *(series(labels, NOW, minutes, 5000.0) for labels in (large, elsewhere)),
    )
    near, _ = look(Outlooks(), own, found, NOW)
    assert near is not None
    both = series(past, NOW, minutes, 200.0)
    start = round(float(both.times[0]) / 60)
    direct = outlook(both.values.astype(np.float64), start, 5)
    assert near.upper(0.9) == pytest.approx(direct.upper(0.9), rel=1e-6)
