"""The work queue's promises, by table and by every order of calls that hypothesis finds."""

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from operators.runtime.queue import Queue

KEYS = st.sampled_from("abcd")


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _queue(chance: float = 1.0) -> tuple[Queue[str], _Clock]:
    clock = _Clock()
    return Queue(clock, lambda: chance), clock


def test_a_key_added_often_is_taken_once_and_oldest_first() -> None:
    queue, _ = _queue()
    for key in "abab":
        queue.add(key)
    assert queue.take_due(10) == ["a", "b"]
    assert queue.take_due(10) == []


def test_a_key_added_in_flight_is_due_when_it_is_done_and_not_before() -> None:
    queue, _ = _queue()
    queue.add("a")
    queue.take_due(1)
    queue.add("a")
    assert queue.take_due(1) == []
    queue.done("a")
    assert queue.take_due(1) == ["a"]


def test_the_earliest_timer_wins_and_an_early_event_replaces_it() -> None:
    queue, clock = _queue()
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    clock.now = 5
    assert queue.take_due(1) == ["a"]
    queue.done("a")
    clock.now = 10
    assert queue.take_due(1) == []


def test_how_long_a_key_has_waited_counts_from_when_it_was_first_due() -> None:
    queue, clock = _queue()
    queue.add("a")
    queue.add_after("b", 2)
    clock.now = 3
    queue.add("a")
    assert queue.take_due(10) == ["a", "b"]
    assert (queue.waited("a"), queue.waited("b")) == (3, 1)
    queue.add("a")
    clock.now = 7
    queue.done("a")
    queue.hold("a")
    clock.now = 8
    queue.done("a")
    assert queue.take_due(1) == ["a"]
    assert queue.waited("a") == 5, "since it was added while it was in flight, a hold included"


def test_backoff_doubles_from_one_second_to_a_minute_and_success_resets_it() -> None:
    queue, _ = _queue()
    assert [queue.retry("a") for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    queue.succeeded("a")
    assert queue.retry("a") == 1


def test_jitter_takes_at_most_half_and_a_wish_of_the_server_is_kept() -> None:
    queue, _ = _queue(chance=0.0)
    assert queue.retry("a") == 0.5
    assert queue.retry("b", at_least=7) == 7


def test_waiting_ends_when_a_key_comes() -> None:
    async def story() -> list[str]:
        queue, _ = _queue()
        asyncio.get_running_loop().call_later(0.01, queue.add, "a")
        async with asyncio.timeout(5):
            await queue.wait(60)
        return queue.take_due(1)

    assert asyncio.run(story()) == ["a"]


class QueueMachine(RuleBasedStateMachine):
    """No key is lost, none is handed out twice at a time, whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.clock = _queue()
        self.flying: set[str] = set()
        self.held: set[str] = set()
        self.owed: dict[str, float] = {}
        """When each key must have been handed out at the latest."""

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.owed[key] = self.clock.now

    @rule(key=KEYS, seconds=st.floats(0, 20))
    def add_after(self, key: str, seconds: float) -> None:
        self.queue.add_after(key, seconds)
        self.owed[key] = min(self.owed.get(key, 1e9), self.clock.now + seconds)

    @rule(key=KEYS)
    def fail(self, key: str) -> None:
        delay = self.queue.retry(key)
        assert 0.5 <= delay <= 60
        self.owed[key] = min(self.owed.get(key, 1e9), self.clock.now + delay)

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.queue.forget(key)
        self.owed.pop(key, None)

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(limit=st.integers(0, 5))
    def take(self, limit: int) -> None:
        taken = self.queue.take_due(limit)
        assert len(taken) == len(set(taken)) <= limit
        assert not self.flying & set(taken)
        for key in taken:
            assert self.owed.pop(key) <= self.clock.now + 1e-9, "handed out before it was due"
        self.flying |= set(taken)
        if limit == 5:
            late = {key for key, when in self.owed.items() if when <= self.clock.now}
            assert late <= self.flying, "due, and not handed out"

    @rule(key=KEYS)
    def hold(self, key: str) -> None:
        assert self.queue.hold(key) == (key not in self.flying)
        if key not in self.flying:
            self.held.add(key)
        self.flying.add(key)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.flying)))
        self.queue.done(key)
        self.flying.discard(key)
        self.held.discard(key)

    @invariant()
    def counts_what_was_due(self) -> None:
        assert self.queue.in_flight == len(self.flying - self.held)


QueueMachine.TestCase.settings = settings(max_examples=200, deadline=None)
TestQueue = QueueMachine.TestCase
