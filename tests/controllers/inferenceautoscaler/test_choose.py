"""From asks to replicas: the limits, the hold, and the theorem that it does not flap."""

import itertools
import math
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.api.inferenceautoscaler.status import Ask
from controllers.inferenceautoscaler.choose import Choice, Limits, Memory, choose, remember
from controllers.inferenceautoscaler.window import MOST, highest, push

NOW = 1_800_000_000
LIMITS = Limits(
    least=1,
    most=50,
    hold=300.0,
    tolerance=0.05,
    up_share=1.0,
    up_replicas=4,
    up_period=15.0,
    down_share=0.25,
    down_period=60.0,
)
FREE = replace(LIMITS, up_share=10.0, up_replicas=1000, down_share=1.0, tolerance=0.0)


def after(current: int, asks: list[int], limits: Limits = LIMITS, every: int = 15) -> list[int]:
    """The replicas after each ask of an even row of decisions."""
    found, memory = [], Memory()
    for i, up in enumerate(asks):
        choice = choose(NOW + i * every, current, up, up, limits, memory)
        current, memory = choice.replicas, choice.memory
        found.append(current)
    return found


@pytest.mark.parametrize(
    ("current", "up", "replicas", "limited_by"),
    [
        (10, 10, 10, ""),
        (10, 12, 12, ""),
        (10, 20, 20, ""),
        (10, 21, 20, "ScaleUp"),
        (2, 9, 6, "ScaleUp"),
        (40, 90, 50, "Maximum"),
        (50, 50, 50, ""),
        (0, 3, 3, ""),
        (60, 10, 50, ""),
        (90, 10, 68, "ScaleDown"),
        (10, 4, 8, "ScaleDown"),
        (20, 20, 20, ""),
        (20, 19, 19, ""),
        (40, 39, 40, ""),
        (1, 0, 1, ""),
    ],
)
def test_one_decision(current: int, up: int, replicas: int, limited_by: str) -> None:
    choice = choose(NOW, current, up, up, LIMITS, Memory())
    assert (choice.replicas, choice.limited_by) == (replicas, limited_by)


def test_nothing_is_added_and_nothing_taken_away_for_what_may_be_needed_later() -> None:
    assert choose(NOW, 10, 6, 14, LIMITS, Memory()).replicas == 10
    assert choose(NOW, 10, 6, 9, LIMITS, Memory()).replicas == 9


def test_what_starts_in_vain_is_not_asked_for_again_but_the_minimum_is() -> None:
    stuck = replace(LIMITS, may_rise=False)
    assert choose(NOW, 5, 9, 9, stuck, Memory()).replicas == 5
    assert choose(NOW, 5, 9, 9, stuck, Memory()).limited_by == "NotStarting"
    assert choose(NOW, 5, 9, 9, replace(stuck, least=7), Memory()).replicas == 7


def test_what_holds_takes_nothing_away_but_a_lower_maximum_does() -> None:
    held = replace(LIMITS, may_fall=False)
    assert choose(NOW, 10, 2, 2, held, Memory()).replicas == 10
    assert choose(NOW, 10, 2, 2, replace(held, most=8), Memory()).replicas == 8


def test_after_an_increase_nothing_is_taken_away_for_the_hold() -> None:
    row = after(2, [6] + [2] * 30, replace(FREE, hold=300.0))
    assert row[:21] == [6] * 21
    assert row[21] == 2


def test_a_target_that_is_new_keeps_what_it_has_for_a_hold() -> None:
    memory = remember(Memory(), NOW, 9, 300.0)
    assert choose(NOW + 300, 9, 2, 2, FREE, memory).replicas == 9
    assert choose(NOW + 301, 9, 2, 2, FREE, memory).replicas == 2


def test_a_period_begins_with_its_first_change() -> None:
    # Three quarters of the period pass at rest: they must not count towards the next one.
    row = after(16, [16, 16, 16, 4, 4, 4, 4, 4, 4], replace(LIMITS, hold=1.0))
    assert row == [16, 16, 16, 12, 12, 12, 12, 9, 9]


@dataclass
class Driven:
    """``choose`` driven by any input, with what it did."""

    limits: Limits
    current: int
    now: int = NOW
    memory: Memory = field(default_factory=Memory)
    moves: list[tuple[int, int, int]] = field(default_factory=list)

    def step(self, seconds: int, up: int, ahead: int) -> Choice:
        self.now += seconds
        choice = choose(self.now, self.current, up, ahead, self.limits, self.memory)
        if choice.replicas != self.current:
            self.moves.append((self.now, self.current, choice.replicas))
        self.current, self.memory = choice.replicas, choice.memory
        return choice


ASKS = st.lists(
    st.tuples(st.integers(1, 120), st.integers(0, 60), st.integers(0, 60)), max_size=120
)
LIMIT = st.builds(
    Limits,
    least=st.integers(0, 5),
    most=st.integers(5, 50),
    hold=st.sampled_from([1.0, 30.0, 300.0, 1200.0]),
    tolerance=st.sampled_from([0.0, 0.05, 0.5]),
    up_share=st.sampled_from([0.01, 1.0, 10.0]),
    up_replicas=st.integers(1, 100),
    up_period=st.sampled_from([1.0, 15.0, 60.0]),
    down_share=st.sampled_from([0.01, 0.25, 1.0]),
    down_period=st.sampled_from([1.0, 60.0, 600.0]),
    may_rise=st.booleans(),
    may_fall=st.just(True),
)


@given(LIMIT, ASKS)
def test_reversals_are_bounded_whatever_is_asked_for(
    limits: Limits, asks: list[tuple[int, int, int]]
) -> None:
    driven = Driven(limits, limits.least)
    for step in asks:
        driven.step(*step)
    assert_never_flaps(driven.moves, limits.hold)


def assert_never_flaps(moves: list[tuple[int, int, int]], hold: float) -> None:
    """Nothing that was added goes within a hold: at most floor(T/hold) + 1 reversals in any T."""
    for i, (at, _, to) in enumerate(moves):
        rises = [(then, since, up) for then, since, up in moves[:i] if up > since]
        for then, _, up in rises:
            assert to >= up or at - then > hold
    pairs = itertools.pairwise(moves)
    turns = [b[0] for a, b in pairs if a[2] > a[1] and b[2] < b[1]]
    for i, first in enumerate(turns):
        for count, last in enumerate(turns[i:], start=1):
            assert count <= math.floor((last - first) / hold) + 1


@given(LIMIT, ASKS)
def test_the_limits_are_kept_and_something_asked_for_is_never_taken_away(
    limits: Limits, asks: list[tuple[int, int, int]]
) -> None:
    driven = Driven(limits, limits.least)
    for step in asks:
        before = driven.current
        choice = driven.step(*step)
        assert limits.least <= choice.replicas <= limits.most
        if choice.replicas < before:
            assert choice.replicas >= min(step[1], limits.most)
            assert choice.replicas >= choice.keep
        if choice.replicas > before:
            assert choice.replicas <= max(step[1], limits.least)


@given(LIMIT, ASKS)
def test_no_period_changes_more_than_its_share(
    limits: Limits, asks: list[tuple[int, int, int]]
) -> None:
    limits = replace(limits, may_rise=True)
    driven = Driven(limits, limits.least)
    began, base = 0, 0
    for step in asks:
        before = driven.current
        choice = driven.step(*step)
        if choice.replicas > before >= limits.least:
            if driven.now >= began + limits.up_period:
                began, base = driven.now, before
            most = base + max(math.ceil(base * limits.up_share), limits.up_replicas)
            assert choice.replicas <= max(most, before)


@given(LIMIT, ASKS, st.integers(0, 60), st.integers(1, 120))
def test_a_constant_input_is_a_fixed_point_two_decisions_after_the_hold(
    limits: Limits, asks: list[tuple[int, int, int]], constant: int, every: int
) -> None:
    limits = replace(
        limits, may_rise=True, up_share=100.0, up_replicas=100, down_share=1.0, up_period=1.0
    )
    driven = Driven(replace(limits, down_period=1.0), limits.least)
    for step in asks:
        driven.step(*step)
    until = driven.now + limits.hold
    while driven.now <= until:
        driven.step(every, constant, constant)
    driven.step(every, constant, constant)
    settled = driven.current
    for _ in range(3):
        driven.step(every, constant, constant)
        assert driven.current == settled
    wanted = min(max(constant, limits.least), limits.most)
    assert wanted <= settled
    assert settled - wanted <= max(1, math.ceil(limits.tolerance * settled))


PUSHES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 200)), min_size=1, max_size=200)


@given(PUSHES, st.sampled_from([5.0, 60.0, 600.0]))
def test_the_bounded_window_never_counts_less_or_shorter_than_the_exact_one(
    pushes: list[tuple[int, int]], hold: float
) -> None:
    exact: list[Ask] = []
    window: tuple[Ask, ...] = ()
    now = NOW
    for seconds, replicas in pushes:
        now += seconds
        exact.append(Ask(at=now, replicas=replicas))
        window = push(window, now, replicas, hold)
        assert 1 <= len(window) <= MOST
        assert highest(window) >= max(one.replicas for one in exact if one.at >= now - hold)
        assert highest(window) <= max(one.replicas for one in exact)
        for one, two in itertools.pairwise(window):
            assert one.at < two.at
            assert one.replicas > two.replicas
        for later in range(now, now + int(hold) + 2, max(int(hold) // 7, 1)):
            left = [one.replicas for one in window if one.at >= later - hold]
            due = [one.replicas for one in exact if one.at >= later - hold]
            assert max(left, default=0) >= max(due, default=0)


@given(PUSHES, st.integers(1, 100_000))
def test_a_clock_that_goes_back_prolongs_what_was_asked_for_by_one_hold_at_most(
    pushes: list[tuple[int, int]], back: int
) -> None:
    window: tuple[Ask, ...] = ()
    now = NOW
    for seconds, replicas in pushes:
        now += seconds
        window = push(window, now, replicas, 300.0)
    before = highest(window)
    now -= back
    window = push(window, now, 0, 300.0)
    assert highest(window) == before, "it was asked for a moment ago"
    for _ in range(40):
        now += 1
        window = push(window, now, 0, 300.0)
        assert len(window) <= MOST
    assert highest(push(window, now + 301, 0, 300.0)) == 0


def test_a_window_of_steps_is_thinned_where_it_matters_least() -> None:
    window: tuple[Ask, ...] = ()
    for i in range(40):
        window = push(window, NOW + i, 1000 - i - (500 if i > 20 else 0), 300.0)
    assert len(window) == MOST
    assert highest(window) == 1000
    # The gap of five hundred is wider than any other: it is not bridged.
    assert next(one.replicas for one in window if one.replicas < 600) == 479
