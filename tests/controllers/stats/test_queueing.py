"""Replicas for a demand: known formulas, a simulated queue, and monotone in all that matters."""

import heapq
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.readings import FloatArray
from controllers.stats.queueing import (
    UTILISATION,
    Service,
    Wait,
    busy_probability,
    replicas,
    table,
    wait_probability,
)

MODEL_SERVER = Service(rate=8.0, slots=32)
BRIEF = Wait(seconds=2.0, share=0.005)
PATIENT_RARELY = Wait(seconds=10.0, share=0.5)


def erlang_c(slots: int, load: float) -> float:
    """By the recursion of Erlang's B, as the textbooks have it."""
    blocked = 1.0
    for used in range(1, slots + 1):
        blocked = load * blocked / (used + load * blocked)
    return blocked / (1.0 - load / slots * (1.0 - blocked))


@pytest.mark.parametrize("slots", [1, 2, 3, 7, 32, 320, 5000])
def test_the_share_that_finds_all_busy_is_erlangs(slots: int) -> None:
    for rho in (1e-6, 0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.9999):
        expected = erlang_c(slots, rho * slots)
        got = float(busy_probability(slots, rho * slots))
        assert got == pytest.approx(expected, rel=1e-10, abs=1e-280), rho


def test_a_quarter_of_a_million_slots_neither_overflow_nor_hang() -> None:
    slots = 256 * 1024
    shares = busy_probability(slots, slots * np.array([0.0, 0.5, 0.9, 0.999, 0.99999, 1.0, 2.0]))
    assert np.all(np.isfinite(shares))
    assert np.all(np.diff(shares) >= 0.0)
    assert shares[0] == 0.0
    assert shares[-2:].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("demand", [0.5, 5.0, 7.0, 7.9])
def test_one_slot_with_poisson_arrivals_waits_as_the_formula_says(demand: float) -> None:
    one = Service(rate=8.0)
    expected = demand / 8.0 * math.exp(-(8.0 - demand) * 0.3)
    assert float(wait_probability(1, demand, one, 0.3)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("count", "demand"), [(2, 13.0), (10, 70.0), (100, 780.0)])
def test_many_slots_with_poisson_arrivals_wait_as_the_formula_says(
    count: int, demand: float
) -> None:
    rate, slots = MODEL_SERVER.rate, MODEL_SERVER.slots
    expected = erlang_c(count * slots, demand * slots / rate)
    expected *= math.exp(-(count * rate - demand) * 0.2)
    got = float(wait_probability(count, demand, MODEL_SERVER, 0.2))
    assert got == pytest.approx(expected, rel=1e-9)


def waits(arrivals: FloatArray, services: FloatArray, slots: int) -> FloatArray:
    """The wait of each request in a real first-come queue, event by event."""
    free = [0.0] * slots
    waited = np.zeros(len(arrivals))
    for number, (arrival, service) in enumerate(
        zip(arrivals.tolist(), services.tolist(), strict=True)
    ):
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + service)
        waited[number] = start - arrival
    return waited


@pytest.mark.parametrize(
    ("ca2", "cs2", "error"),
    [
        pytest.param(1.0, 1.0, 0.15, id="Poisson and exponential: exact, but for the sample"),
        pytest.param(4.0, 1.0, 0.35, id="bursts"),
        pytest.param(1.0, 0.25, 0.35, id="steady service"),
    ],
)
def test_a_simulated_queue_waits_about_as_long(ca2: float, cs2: float, error: float) -> None:
    count, requests = 3, 300_000
    service = Service(rate=8.0, slots=4, cs2=cs2)
    demand = 0.9 * count * service.rate
    random = np.random.default_rng(7)
    arrivals = np.cumsum(random.gamma(1.0 / ca2, ca2 / demand, requests))
    services = random.gamma(1.0 / cs2, cs2 * service.slots / service.rate, requests)
    waited = waits(arrivals, services, count * service.slots)
    for seconds in (0.2, 1.0):
        expected = float(wait_probability(count, demand, service, seconds, ca2))
        assert float(np.mean(waited > seconds)) == pytest.approx(expected, rel=error)


@given(
    st.floats(0.1, 500.0),
    st.integers(1, 64),
    st.floats(0.0, 3.0),
    st.floats(1e-4, 0.5),
    st.floats(0.0, 6.0),
)
def test_the_answer_is_the_fewest_that_hold_the_wait(
    demand: float, slots: int, seconds: float, share: float, ca2: float
) -> None:
    service = Service(8.0, slots)
    count = replicas(demand, service, Wait(seconds, share), 500, ca2)
    assert demand <= UTILISATION * count * service.rate
    assert float(wait_probability(count, demand, service, seconds, ca2)) <= share
    fewer = count - 1
    assert (
        demand * (1.0 + 1e-8) > UTILISATION * fewer * service.rate
        or float(wait_probability(fewer, demand * (1.0 + 1e-8), service, seconds, ca2)) > share
    )


DEMANDS = st.floats(0.0, 2000.0)


@given(DEMANDS, DEMANDS, st.sampled_from([BRIEF, Wait(0.0, 0.01), PATIENT_RARELY]))
def test_more_demand_never_needs_fewer_replicas(one: float, other: float, allowed: Wait) -> None:
    less, more = sorted((one, other))
    assert replicas(less, MODEL_SERVER, allowed, 200) <= replicas(more, MODEL_SERVER, allowed, 200)


@given(DEMANDS, st.floats(1.0, 2.0), st.floats(1.0, 2.0), st.floats(1.0, 2.0))
def test_a_faster_replica_or_a_laxer_bound_never_needs_more(
    demand: float, rate: float, seconds: float, share: float
) -> None:
    count = replicas(demand, MODEL_SERVER, BRIEF, 400)
    faster = Service(MODEL_SERVER.rate * rate, MODEL_SERVER.slots)
    laxer = Wait(BRIEF.seconds * seconds, BRIEF.share * share)
    assert replicas(demand, faster, BRIEF, 400) <= count
    assert replicas(demand, MODEL_SERVER, laxer, 400) <= count
    assert replicas(demand, MODEL_SERVER, BRIEF, 400, ca2=5.0) >= count


TABLES = [
    (MODEL_SERVER, BRIEF, 1.0),
    (MODEL_SERVER, Wait(0.0, 0.01), 5.1),
    (Service(0.3), Wait(30.0, 0.05), 1.5),
    (Service(700.0, 8, cs2=0.2), Wait(0.05, 0.001), 1.0),
]


@pytest.mark.parametrize(("service", "allowed", "ca2"), TABLES)
def test_the_table_says_what_the_function_says_its_own_edges_included(
    service: Service, allowed: Wait, ca2: float
) -> None:
    held = table(service, allowed, 60, ca2)
    edges = held.largest
    inside = np.random.default_rng(3).uniform(0.0, 1.1 * edges[-1], 300)
    demands = np.concatenate(
        [[0.0, 1e-300, 1e300, math.inf], edges, np.nextafter(edges, math.inf), inside]
    )
    expected = [replicas(float(demand), service, allowed, 60, ca2) for demand in demands]
    assert held.replicas(demands).tolist() == expected


def test_two_pooled_replicas_carry_more_than_twice_as_much_as_one() -> None:
    largest = table(Service(1.0), Wait(1.0, 0.01), 12).largest
    assert np.all(np.diff(largest / np.arange(1, 13)) > 0.0)


@pytest.mark.parametrize("demand", [1, 12, 60])
def test_a_whole_number_is_the_same_demand_as_the_float(demand: int) -> None:
    assert replicas(demand, MODEL_SERVER, BRIEF, 50) == replicas(
        float(demand), MODEL_SERVER, BRIEF, 50
    )


def test_no_demand_needs_none_and_more_than_the_most_is_said() -> None:
    assert replicas(0.0, MODEL_SERVER, BRIEF, 20) == 0
    assert replicas(1e-9, MODEL_SERVER, BRIEF, 20) == 1
    for demand in (20 * 8.0, 1e300, math.inf):
        assert replicas(demand, MODEL_SERVER, BRIEF, 20) == 21


def test_a_demand_that_is_not_known_is_refused_rather_than_zero() -> None:
    with pytest.raises(ValueError, match="missing metric"):
        replicas(math.nan, MODEL_SERVER, BRIEF, 20)
    with pytest.raises(ValueError, match="missing metric"):
        table(MODEL_SERVER, BRIEF, 20).replicas(np.array([1.0, math.nan]))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Service(rate=0.0), "rate is 0.0"),
        (lambda: Service(rate=math.nan), "rate is nan"),
        (lambda: Service(rate=8.0, slots=0), "slots is 0"),
        (lambda: Wait(-1.0, 0.1), "seconds is -1.0"),
        (lambda: Wait(1.0, 0.0), "share is 0.0"),
        (lambda: Wait(1.0, 1.0), "share is 1.0"),
    ],
)
def test_what_no_queue_can_have_is_refused_by_name(make: object, named: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=named):
        make()
