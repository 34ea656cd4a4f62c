"""Single steps of the autoscaler: what is asked, learned and followed, in tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.api.inferenceautoscaler.spec import Capacity, InferenceAutoscalerSpec, Schedule
from controllers.api.inferenceautoscaler.status import Demand, RevisionCapacity, StartupStatus
from controllers.inferenceautoscaler import capacity, level, schedule, startup
from controllers.inferenceautoscaler.asks import Load, Replica, asks, steady
from controllers.inferenceautoscaler.capacity import ENOUGH, Work
from controllers.inferenceautoscaler.promise import carry
from controllers.inferenceautoscaler.queries import asking, instant
from controllers.inferenceautoscaler.seen import Pod
from tests.controllers.inferenceautoscaler.specs import IN_FLIGHT, LATENCY, SPEC, spec

RATED = Replica(10.0, None, lambda demand: math.ceil(demand / 8.0), wait=1.0)
SLOTTED = Replica(None, 10, lambda _: 0)


@pytest.mark.parametrize(
    ("load", "replica", "said", "ahead"),
    [
        (Load(2, 0, demand=40.0), RATED, {"Demand": 5}, 5),
        (Load(2, 0, demand=0.0), RATED, {"Demand": 0}, 0),
        (Load(2, 0, demand=40.0, backlog=0.0), RATED, {"Demand": 5}, 5),
        (Load(2, 0, demand=40.0, backlog=1.0), RATED, {"Demand": 5}, 5),
        (Load(2, 0, demand=40.0, backlog=50.0), RATED, {"Demand": 5}, 5),
        (Load(2, 0, demand=40.0, backlog=51.0), RATED, {"Demand": 5, "Backlog": 6}, 6),
        (Load(2, 0, demand=40.0, backlog=601.0), RATED, {"Demand": 5, "Backlog": 8}, 8),
        (Load(2, 0, demand=0.0, backlog=1.0), RATED, {"Demand": 0, "Backlog": 1}, 1),
        (Load(2, 0, demand=40.0, upper=60.0), RATED, {"Demand": 5, "Forecast": 8}, 8),
        (Load(2, 0, demand=40.0, upper=20.0), RATED, {"Demand": 5, "Forecast": 3}, 5),
        (Load(2, 0, demand=40.0, later=90.0), RATED, {"Demand": 5}, 12),
        (Load(2, 0, demand=40.0, reserve=1.5), RATED, {"Demand": 5, "Reserve": 8}, 8),
        (Load(2, 0, demand=0.0, reserve=1.5), RATED, {"Demand": 0, "Reserve": 0}, 0),
        (Load(2, 0, in_flight=14.0, reserve=1.5), SLOTTED, {"Concurrency": 2}, 2),
        (Load(2, 0, demand=40.0, lately=44.0), RATED, {"Demand": 6}, 6),
        (Load(2, 0, demand=40.0, lately=90.0), RATED, {"Demand": 7}, 7),
        (Load(2, 0, demand=40.0, lately=1.0), RATED, {"Demand": 5}, 5),
        (Load(4, 0, demand=40.0, missed=1), RATED, {"Demand": 5}, 5),
        (Load(5, 0, demand=40.0, missed=2), RATED, {"Demand": 5, "Slo": 7}, 7),
        (Load(20, 0, demand=40.0, missed=2), RATED, {"Demand": 5, "Slo": 10}, 10),
        (Load(5, 1, demand=40.0, missed=9), RATED, {"Demand": 5}, 5),
        (Load(0, 0, demand=40.0, missed=9), RATED, {"Demand": 5}, 5),
        (Load(2, 0, backlog=5.0), RATED, {}, 0),
        (Load(2, 0, in_flight=70.0), RATED, {}, 0),
        (Load(2, 0, in_flight=70.0), SLOTTED, {"Concurrency": 10}, 10),
        (Load(2, 0, in_flight=71.0), SLOTTED, {"Concurrency": 11}, 11),
        (Load(2, 0, demand=40.0, in_flight=0.0), SLOTTED, {"Concurrency": 0}, 0),
        (Load(2, 0, demand=40.0), SLOTTED, {}, 0),
        (Load(2, 0, demand=40.0, upper=900.0, later=900.0), SLOTTED, {}, 0),
    ],
)
def test_what_each_reason_asks_for(
    load: Load, replica: Replica, said: dict[str, int], ahead: int
) -> None:
    found, later = asks(load, replica)
    assert {one.reason: one.replicas for one in found} == said
    assert later == ahead


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_fall_counts_only_in_the_longer_window(demand: float, lately: float) -> None:
    now = steady(demand, lately)
    assert demand <= now <= 1.25 * demand
    assert steady(demand, None) == demand


def test_5_31_a_number_is_rounded_up_only_where_it_is_above() -> None:
    carries = carry(InferenceAutoscalerSpec.model_validate(spec()), 5.0)
    assert carries(0.0) == 0
    assert carries(1e-9) == 1
    assert carries(1e9) == 21, "one more than the most"
    assert carry(InferenceAutoscalerSpec.model_validate(spec()), None)(5.0) == 0
    found, _ = asks(Load(2, 0, in_flight=0.1 * 3 * 7), Replica(None, 1, lambda _: 0))
    assert found[0].replicas == 3, "2.1 / 0.7 is three, whatever floats make of it"


# The caution.

PLAIN = level.Caution(level.HIGHEST)


@pytest.mark.parametrize(
    ("met", "quantile", "reserve"),
    [
        (None, 0.95, 1.0),
        (1.0, 0.94787, 1.0),
        (1.0 - level.AIM * 0.01, 0.95, 1.0),
        (0.99, 0.95, 1.00313),
        (0.0, 0.95, 2.0),
    ],
)
def test_the_caution_follows_the_promise(
    met: float | None, quantile: float, reserve: float
) -> None:
    found = level.follow(PLAIN, met, 0.99, 3600.0)
    assert found.quantile == pytest.approx(quantile, abs=1e-5)
    assert found.reserve == pytest.approx(reserve, abs=1e-5)


@given(
    st.floats(0.5, 0.999),
    st.floats(1, 3),
    st.floats(0.5, 0.9999),
    st.lists(st.floats(0, 1), max_size=50),
)
def test_the_caution_stays_in_its_bounds(
    quantile: float, reserve: float, objective: float, mets: list[float]
) -> None:
    """A reserve is begun only once the bound of the forecast is at its highest."""
    at = level.Caution(quantile, reserve)
    for met in mets:
        at = level.follow(at, met, objective, 15.0)
        assert level.LOWEST <= at.quantile <= level.HIGHEST + 1e-12
        assert 1.0 <= at.reserve <= level.MOST + 1e-12
        assert at.reserve == 1.0 or at.quantile == pytest.approx(level.HIGHEST)


@given(st.floats(0.8, 0.995), st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 0.9999))
def test_more_misses_never_make_it_less_cautious(
    quantile: float, met: float, other: float, objective: float
) -> None:
    start = level.Caution(quantile)
    fewer, more = (
        level.follow(start, one, objective, 15.0) for one in (max(met, other), min(met, other))
    )
    assert (more.quantile, more.reserve) >= (fewer.quantile, fewer.reserve)


@pytest.mark.parametrize("needed", [0.93, 1.3, 1.8])
def test_in_the_long_run_as_many_miss_as_are_aimed_at(needed: float) -> None:
    """A world in which more caution means fewer misses: it finds the caution that fits.

    ``needed`` is the probability, or beyond 1 the reserve, at which as many miss as is aimed at.
    """
    fits = level.Caution(min(needed, level.HIGHEST), max(needed, 1.0))
    at, missed = PLAIN, []
    for _ in range(60_000):
        missed.append(min(level.AIM * 0.01 * at.risk / fits.risk, 1.0))
        at = level.follow(at, 1.0 - missed[-1], 0.99, 15.0)
    assert np.mean(missed[40_000:]) == pytest.approx(level.AIM * 0.01, rel=0.02)
    assert at.risk == pytest.approx(fits.risk, rel=0.02)


def test_the_spec_rules_until_a_latency_signal_says_how_it_works_out() -> None:
    plain = InferenceAutoscalerSpec.model_validate(spec())
    judged = InferenceAutoscalerSpec.model_validate(spec(signals=[*SPEC["signals"], LATENCY]))
    missed = level.cautious(Demand(), judged, 0.5, 15.0)
    assert level.cautious(Demand(), plain, None, 15.0).quantile == 0.98
    assert level.cautious(missed, plain, 0.5, 15.0) == Demand(quantile=0.98)
    assert level.cautious(Demand(), judged, None, 15.0) == Demand(quantile=0.95)
    assert missed.quantile == pytest.approx(0.95)
    assert missed.reserve is not None
    assert missed.reserve > 1.0
    assert level.cautious(Demand(quantile=0.998), judged, None, 15.0) == Demand(quantile=0.95)
    wired = Demand.model_validate_json(missed.model_dump_json(by_alias=True))
    again = level.cautious(wired, judged, 0.5, 15.0)
    assert again.reserve is not None
    assert again.reserve > missed.reserve


# Capacity.


def learned(
    works: list[tuple[float | None, bool | None, bool | None]],
    known: tuple[RevisionCapacity, ...] = (),
    revision: str = "a",
    ready: int = 4,
    interval: float = 15.0,
) -> tuple[RevisionCapacity, ...]:
    for throughput, saturated, met in works:
        work = Work(revision, throughput, ready, steady=True, saturated=saturated, met=met)
        known = capacity.learn(known, work, interval)
    return known


@given(st.lists(st.floats(1, 100), min_size=2, max_size=ENOUGH))
def test_the_saturated_rate_is_a_mean_with_its_error(each: list[float]) -> None:
    (one,) = learned([(4 * rate, True, None) for rate in each])
    assert one.high == pytest.approx(np.mean(each))
    assert one.error == pytest.approx(np.std(each) / math.sqrt(len(each)), abs=1e-6)
    assert one.samples == len(each)


@pytest.mark.parametrize(
    "work",
    [
        Work("a", None, 4, steady=True, saturated=True, met=True),
        Work("a", 40.0, 0, steady=True, saturated=True, met=True),
        Work("a", 40.0, 4, steady=False, saturated=True, met=True),
        Work("", 40.0, 4, steady=True, saturated=True, met=True),
        Work("a", 40.0, 4, steady=True, saturated=None, met=None),
        Work("a", 40.0, 4, steady=True, saturated=False, met=None),
        Work("a", 0.0, 4, steady=True, saturated=True, met=None),
    ],
)
def test_nothing_is_learned_from_what_says_nothing(work: Work) -> None:
    assert capacity.learn((), work, 15.0) == ()


def test_the_lower_bound_is_approached_and_left_by_misses() -> None:
    (one,) = learned([(40.0, False, True)] * 30)
    assert one.low == pytest.approx(10.0, rel=0.01)
    (idle,) = learned([(20.0, False, False)] * 30, (one,))
    assert idle.low == one.low, "misses without a queue are not the load's"
    (better,) = learned([(48.0, None, False)], (one,))
    assert better.low == one.low, "misses far above it say nothing against it"


def test_5_28_misses_for_another_reason_move_it_by_a_quarter_an_hour_at_most() -> None:
    (one,) = learned([(40.0, False, True)] * 30)
    known: tuple[RevisionCapacity, ...] = (one,)
    ready = 4
    # Each look misses, and each answer to it, more replicas, leaves each one with less to do.
    for _ in range(240):
        known = learned([(40.0, None, False)], known, ready=ready)
        ready = min(math.ceil(40.0 / (known[0].low or 1.0)) + 1, 1000)
    assert known[0].low is not None
    assert one.low is not None
    assert known[0].low >= 0.74 * one.low


def test_5_28_a_learned_rate_moves_by_a_quarter_an_hour_at_most() -> None:
    (one,) = learned([(40.0, True, None)] * ENOUGH)
    assert one.high == pytest.approx(10.0)
    (faster,) = learned([(400.0, True, None)] * 240, (one,))
    assert faster.high == pytest.approx(10.0 * (1 + 0.25 * 15 / 3600) ** 240, rel=1e-6)
    (slower,) = learned([(4.0, True, None)] * 240, (one,))
    assert slower.high == pytest.approx(10.0 * (1 - 0.25 * 15 / 3600) ** 240, rel=1e-6)


def test_5_28_a_new_revision_learns_anew_and_plans_with_the_old_until_it_knows() -> None:
    old = learned([(40.0, True, True)] * 40)
    both = learned([(80.0, True, True)] * (ENOUGH - 1), old, "b")
    assert capacity.planned(Capacity(), both, "b") == capacity.planned(Capacity(), old, "a")
    both = learned([(80.0, True, True)], both, "b")
    rate, source = capacity.planned(Capacity(), both, "b")
    assert source == "Learned"
    assert rate == pytest.approx(20.0, rel=0.02)
    five = both
    for revision in "cde":
        five = learned([(40.0, True, True)], five, revision)
    assert [one.revision for one in five] == ["b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("one", "rate"),
    [
        ({"low": 8.0, "high": 10.0, "error": 0.5, "samples": 20, "met": 20}, 8.8),
        ({"low": 9.5, "high": 10.0, "error": 0.5, "samples": 20, "met": 20}, 9.36),
        ({"low": 9.5, "high": 10.0, "error": 9.0, "samples": 20, "met": 20}, 5.0),
        ({"low": 8.0, "high": 10.0, "error": 0.5, "samples": 19, "met": 20}, None),
        ({"low": 8.0, "high": 10.0, "error": 0.5, "samples": 20, "met": 19}, None),
        ({"low": 8.0, "met": 20}, None),
        ({"high": 10.0, "error": 0.5, "samples": 20}, None),
    ],
)
def test_a_plan_needs_both_bounds(one: dict[str, float], rate: float | None) -> None:
    known = (RevisionCapacity.model_validate({"revision": "a", **one}),)
    found, source = capacity.planned(Capacity(), known, "a")
    assert source == ("Concurrency" if rate is None else "Learned")
    assert found == (None if rate is None else pytest.approx(rate))
    given_rate = Capacity.model_validate({"requestsPerSecond": "7"})
    assert capacity.planned(given_rate, known, "a") == (7.0, "Given")


# Start-up.


def pod(name: str, created: float, ready_at: float | None, **more: object) -> Pod:
    return Pod(name, "a", created, ready_at, **more)  # type: ignore[arg-type]


def looked(*looks: tuple[float, list[Pod]]) -> StartupStatus:
    known = StartupStatus()
    for now, pods in looks:
        known = StartupStatus.model_validate(startup.learn(known, pods, now).wire())
    return known


OLD = pod("old", 10, 900)


def test_5_20_adoption_teaches_no_start_up_time() -> None:
    assert looked((1000, [OLD]), (1015, [OLD])).recent == ()


def test_a_replica_made_since_teaches_once() -> None:
    new = pod("new", 1100, None)
    ready = pod("new", 1100, 1142)
    known = looked((1000, [OLD]), (1101, [OLD, new]), (1150, [OLD, ready]), (1165, [OLD, ready]))
    assert known.recent == (42,)
    assert startup.planned(known, 180.0) == 180.0, "one is not enough to plan with"


def test_a_replica_that_loses_readiness_for_a_while_teaches_nothing_new() -> None:
    new, ready = pod("new", 1100, None), pod("new", 1100, 1142)
    again = pod("new", 1100, 1300)
    known = looked(
        (1000, [OLD]),
        (1101, [OLD, new]),
        (1150, [OLD, ready]),
        (1250, [OLD, new]),
        (1310, [OLD, again]),
    )
    assert known.recent == (42,)


def test_a_replica_that_restarted_teaches_nothing() -> None:
    new = pod("new", 1100, None)
    crashed = pod("new", 1100, 1400, restarts=2)
    assert looked((1000, [OLD]), (1101, [OLD, new]), (1410, [OLD, crashed])).recent == ()


def test_start_up_is_the_ninth_of_ten_of_the_last_fifty() -> None:
    known = StartupStatus(all_ready=1000)
    pods = [pod(f"p{i}", 1000, 1000 + i) for i in range(1, 61)]
    known = startup.learn(known, pods, 2000)
    assert known.recent == tuple(range(11, 61))
    assert (known.p50, known.p90) == (35.0, 55.0)
    assert startup.planned(known, 180.0) == 55.0


# Schedules.


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"timeZone": "Europe/Pari"}, "schedule[s].timeZone: there is no time zone 'Europe/Pari'"),
        ({"timeZone": "../../etc/passwd"}, "there is no time zone"),
        ({"cron": "61 8 * * *"}, "schedule[s].cron: '61 8 * * *' is no cron expression"),
        ({"cron": "0 8 * * * * *"}, "is no cron expression"),
        ({"cron": "0 0 30 2 *"}, "schedule[s].cron: '0 0 30 2 *'"),
        ({}, ""),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(fields: dict[str, str], words: str) -> None:
    said = {"name": "s", "cron": "0 8 * * 1-5", "duration": "1h", "minReplicas": 3, **fields}
    found = schedule.problem([Schedule.model_validate(said)])
    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("zone", "cron", "duration", "clock", "holds"),
    [
        # (clock: unix seconds) Friday 15 January 2027
        ("UTC", "0 8 * * 1-5", "1h", 1_800_000_000 - 61, False),
        ("UTC", "0 8 * * 1-5", "1h", 1_800_000_000 - 60, True),
        ("UTC", "0 8 * * 1-5", "1h", 1_800_000_000 + 3599, True),
        ("UTC", "0 8 * * 1-5", "1h", 1_800_000_000 + 3600, False),
        ("UTC", "0 8 * * 1-5", "1h", 1_800_000_000 + 86_400, False),
        ("Asia/Tokyo", "0 17 * * 5", "1h", 1_800_000_000, True),
        ("America/New_York", "0 3 * * 5", "1h", 1_800_000_000, True),
        # 02:30 comes twice on 25 October 2026 in Paris: at 00:30 and at 01:30 UTC.
        ("Europe/Paris", "30 2 * * *", "10m", 1_792_888_200, True),
        ("Europe/Paris", "30 2 * * *", "10m", 1_792_891_800, False),
        ("Europe/Paris", "*/30 * * * *", "10m", 1_792_891_800, True),
        # and never on 28 March 2027: the minimum comes when the hour is over, at 01:00 UTC.
        ("Europe/Paris", "30 2 * * *", "10m", 1_806_195_600, True),
        ("Europe/Paris", "30 2 * * *", "10m", 1_806_196_200, False),
        # A start every day at midnight lasts into a day of 23 hours as long as into another.
        ("Europe/Paris", "0 0 * * *", "4h", 1_806_188_400 + 4 * 3600 - 1, True),
        ("Europe/Paris", "0 0 * * *", "4h", 1_806_188_400 + 4 * 3600, False),
    ],
)
def test_5_25_a_minimum_holds_by_the_clock_of_its_zone(
    zone: str, cron: str, duration: str, clock: int, holds: bool
) -> None:
    fields = {"name": "s", "cron": cron, "timeZone": zone, "duration": duration, "minReplicas": 3}
    found = schedule.minima([Schedule.model_validate(fields)], clock, 60.0)
    assert [one.replicas for one in found] == ([3] if holds else [])


# Queries.


def test_two_targets_ask_the_same_of_prometheus() -> None:
    one = InferenceAutoscalerSpec.model_validate(spec(signals=[*SPEC["signals"], IN_FLIGHT]))
    other = spec(
        signals=[*SPEC["signals"], {**LATENCY, "limit": "500ms"}],
        targetRef={"name": "other"},
        service={"host": "other", "port": 80},
    )
    two = InferenceAutoscalerSpec.model_validate(other)
    asked = [asking(one, "prod", "llm", 1000), asking(two, "test", "other", 1000)]
    texts = [{query for signal in both for query in signal.all} for both in asked]
    assert len(texts[0] & texts[1]) == len({q for s in asked[0][:2] for q in s.all})


@given(st.floats(1e9, 2e9), st.sampled_from(["1s", "5s", "15s", "90s", "5m"]))
def test_an_instant_is_the_same_for_all_of_one_interval(now: float, interval: str) -> None:
    fields = spec(analysis={"interval": interval, "scrapeInterval": "5s"})
    one = InferenceAutoscalerSpec.model_validate(fields)
    at = instant(one, now)
    assert at <= now < at + one.analysis.interval
    assert at % one.analysis.interval == 0
    assert instant(one, float(at)) == at
