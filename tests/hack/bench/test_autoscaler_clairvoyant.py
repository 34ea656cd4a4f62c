"""The reference is what brute force finds."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hack.bench.autoscaler.clairvoyant import need, reference
from hack.bench.autoscaler.service import Service

SLOT = 60


def cheapest(needed: list[int], startup: float) -> float:
    """The least over all schedules: each replica-second costs, and so does each start."""
    highest, best = max(needed), np.inf
    for schedule in product(*(range(one, highest + 1) for one in needed)):
        starts = sum(max(b - a, 0) for a, b in zip((0, *schedule), schedule, strict=False))
        best = min(best, SLOT * sum(schedule) + startup * starts)
    return best


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=7),
    st.sampled_from([10.0, 60.0, 90.0, 180.0, 600.0]),
)
def test_no_schedule_that_meets_the_need_is_cheaper(needed: list[int], startup: float) -> None:
    assert reference(np.array(needed), startup).seconds == cheapest(needed, startup)


def met(counts: list[int], service: Service, number: int) -> bool:
    """Whether a steady server of that capacity starts everything in time, as fluid."""
    return sum(counts) <= number * service.rate * len(counts) + 1e-9 and all(
        sum(counts[first:last]) <= number * service.rate * (last - first + service.allowed) + 1e-9
        for first in range(len(counts))
        for last in range(first + 1, len(counts) + 1)
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=10, max_size=10))
def test_the_need_is_the_fewest_with_which_no_window_is_late(counts: list[int]) -> None:
    service = Service(slots=4, seconds=2, allowed=1)
    number = int(need(np.array(counts), service, slot=10)[0])
    assert met(counts, service, number)
    assert number == 0 or not met(counts, service, number - 1)


def test_each_slot_stands_alone() -> None:
    counts = np.repeat([0, 8, 80], SLOT)
    assert need(counts, Service()).tolist() == [0, 1, 10]
