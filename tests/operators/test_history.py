"""What is read back of range queries is what the source has, whatever the order and the faults."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.readings import Answer, Answered, Gap, Missing, Query, Series
from operators.sources import history
from operators.sources.history import FIRST, FORGET, History

NOW = 1_800_000_000.0
STEP = 60.0
DAY = 86400.0

Truth = Callable[[str, int], float]
"""The value of the series of that name at that multiple of the step; NaN where there is none."""


def _flat(_name: str, _at: int) -> float:
    return 1.0


def _ramp(name: str, at: int) -> float:
    return float(at % 5000) + (0.5 if name == "b" else 0.0)


class Past:
    """A source that knows all values, keeps count of what it is asked, and fails on demand."""

    def __init__(self, truth: Truth = _ramp, names: str = "a") -> None:
        self.truth = truth
        self.names = names
        self.asked: list[Query] = []
        self.at_once = 0
        self.most_at_once = 0
        self.fault: Callable[[Query], str] = lambda _: ""

    async def answer(self, query: Query) -> Answered:
        self.asked.append(query)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if said := self.fault(query):
            return Missing(Gap.FAILED, said)
        if not query.span:
            first = last = round(query.at / STEP)
        else:
            first, last = query.grid
        found = [self._series(name, first, last) for name in self.names]
        return Answer(tuple(one for one in found if len(one.times)))

    def _series(self, name: str, first: int, last: int) -> Series:
        values = np.array([self.truth(name, at) for at in range(first, last + 1)])
        there = ~np.isnan(values)
        times = np.arange(first, last + 1)[there] * STEP
        return Series({"target": name}, times, values[there])

    def spans(self) -> list[tuple[int, int]]:
        """The stretches that were read, in steps counted from NOW."""
        return [(_steps(one.at - one.span), _steps(one.at)) for one in self.asked]


def _steps(at: float) -> int:
    return round((at - NOW) / STEP)


class Reader:
    """A history, and a clock that stands still until it is moved."""

    def __init__(self, source: Past, **how: Any) -> None:
        self.now = 0.0
        self.history = History(source, lambda: self.now, **how)

    async def ask(self, at: float = NOW, span: float = DAY, text: str = "q") -> Answered:
        return await self.history.answer(Query(text, at, span=span, step=STEP))

    async def idle(self) -> None:
        """Waits until nothing more is read."""
        if self.history._task is not None:
            await asyncio.wait_for(self.history._task, 20)

    async def whole(self, at: float = NOW, span: float = DAY, text: str = "q") -> Answer:
        """What there is when all has been read."""
        await self.ask(at, span, text)
        await self.idle()
        answered = await self.ask(at, span, text)
        assert isinstance(answered, Answer)
        return answered


def _run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


@pytest.fixture(autouse=True)
def _without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "REST", 0.0)
    monkeypatch.setattr(history, "SHARE", 0.0)


def _agrees(answer: Answer, truth: Truth, names: str = "a") -> None:
    """Each value is the true one, and there is none where there is none in truth."""
    found = {one.labels["target"]: one for one in answer.series}
    assert set(found) <= set(names)
    for name, one in found.items():
        expected = np.array([truth(name, round(at / STEP)) for at in one.times], dtype=np.float32)
        np.testing.assert_array_equal(one.values, expected)


def test_it_answers_at_once_and_says_that_nothing_is_known_yet() -> None:
    async def story() -> None:
        reader = Reader(Past())
        answer = await reader.ask()
        assert answer == Answer((), since=math.inf)
        await reader.idle()

    _run(story())


def test_the_newest_is_read_first_then_older_stretches_one_at_a_time_to_the_end_of_the_span() -> (
    None
):
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        answer = await reader.whole()
        spans = source.spans()
        assert spans[0] == (-FIRST + 1, 0)
        assert all(
            last + 1 == before for (_, last), (before, _) in zip(spans[1:], spans, strict=False)
        )
        assert source.most_at_once == 1
        assert answer.since == NOW - DAY
        assert len(answer.series[0].times) == 1441
        _agrees(answer, _ramp)

    _run(story())


def test_an_answer_says_how_far_back_it_reaches_while_older_stretches_are_still_read() -> None:
    async def story() -> None:
        source = Past()
        source.fault = lambda _: "" if len(source.asked) == 1 else "busy"
        reader = Reader(source)
        answer = await reader.whole()
        assert answer.since == NOW - (FIRST - 1) * STEP
        assert answer.series[0].times[0] == answer.since
        assert answer.warnings == ("busy",)

    _run(story())


def test_as_time_goes_on_only_the_new_end_is_read_and_the_last_two_instants_again() -> None:
    async def story() -> None:
        late = {"missing": True}

        def truth(name: str, at: int) -> float:
            return math.nan if late["missing"] and at == round(NOW / STEP) else _ramp(name, at)

        source = Past(truth)
        reader = Reader(source)
        answer = await reader.whole()
        assert math.isnan(answer.series[0].values[-1])
        source.asked.clear()
        late["missing"] = False
        answer = await reader.whole(NOW + STEP)
        assert source.spans() == [(-1, 1)]
        assert answer.since == NOW + STEP - DAY
        _agrees(answer, _ramp)
        assert not np.isnan(answer.series[0].values).any()
        await reader.whole(NOW + STEP + 15.0)
        assert len(source.asked) == 1, "nothing is new within a step"

    _run(story())


def test_all_who_ask_between_two_changes_share_one_answer_without_copies() -> None:
    async def story() -> None:
        reader = Reader(Past(names="abc"))
        one = await reader.whole(NOW + 1.0)
        other = await reader.ask(NOW + 14.0)
        assert one is other
        assert one.series[0].times is one.series[1].times
        shorter = await reader.ask(NOW, span=DAY / 2)
        assert isinstance(shorter, Answer)
        assert np.shares_memory(shorter.series[0].values, one.series[0].values)
        assert one.series[0].values.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            one.series[0].values[0] = 0.0

    _run(story())


def test_what_was_handed_out_does_not_change_when_rows_move() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        answer = await reader.whole(span=2 * FIRST * STEP)
        before = answer.series[0].values[:-2].copy()
        for minute in range(1, 40):
            latest = await reader.whole(NOW + minute * STEP, span=2 * FIRST * STEP)
            _agrees(latest, _ramp)
            assert len(latest.series[0].times) == 2 * FIRST + 1
        np.testing.assert_array_equal(answer.series[0].values[:-2], before)

    _run(story())


def test_a_gap_is_no_value_and_neither_is_what_is_not_finite_or_too_large() -> None:
    strange = {0: math.inf, -1: math.nan, -2: 1e300, -3: 7.0}

    async def story() -> None:
        reader = Reader(Past(lambda _, at: strange.get(at - round(NOW / STEP), 1.0)))
        values = (await reader.whole()).series[0].values
        assert list(np.isnan(values[-4:])) == [False, True, True, True]
        assert values[-4] == 7.0

    _run(story())


def test_a_failure_is_tried_again_with_growing_waits_and_what_is_known_stays() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        await reader.whole()
        source.fault = lambda _: "Prometheus cannot be reached"
        source.asked.clear()
        tries = []
        for second in range(200):
            reader.now = float(second)
            answer = await reader.whole(NOW + STEP)
            assert answer.series[0].times[-1] == NOW
            assert answer.warnings == ((("Prometheus cannot be reached"),))
            tries.append(len(source.asked))
        assert [tries.index(n) for n in range(1, 9)] == [0, 1, 3, 7, 15, 31, 63, 123]
        source.fault = lambda _: ""
        reader.now = 1000.0
        answer = await reader.whole(NOW + STEP)
        assert answer.warnings == ()
        assert answer.series[0].times[-1] == NOW + STEP

    _run(story())


def test_nothing_read_and_a_failure_is_missing_with_its_reason() -> None:
    async def story() -> None:
        source = Past()
        source.fault = lambda _: "the query is wrong: 1:4: parse error"
        reader = Reader(source)
        await reader.ask()
        await reader.idle()
        assert await reader.ask() == Missing(Gap.FAILED, "the query is wrong: 1:4: parse error")
        await reader.idle()

    _run(story())


def test_a_stretch_that_is_too_much_for_the_server_is_read_in_smaller_ones() -> None:
    async def story() -> None:
        source = Past()
        source.fault = lambda query: "too many samples" if query.span > 20 * STEP else ""
        reader = Reader(source)
        for second in range(0, 10000, 60):
            reader.now = float(second)
            answered = await reader.ask(span=DAY / 4)
            await reader.idle()
        assert isinstance(answered, Answer)
        assert answered.since == NOW - DAY / 4
        _agrees(answered, _ramp)

    _run(story())


def test_many_series_make_the_stretches_short() -> None:
    async def story() -> None:
        names = "".join(chr(0x4E00 + n) for n in range(1000))
        source = Past(_flat, names)
        reader = Reader(source)
        await reader.whole(span=DAY / 3)
        lengths = [last - first + 1 for first, last in source.spans()]
        assert lengths[:3] == [FIRST, 50, 50]
        assert max(lengths[1:]) == 50

    _run(story())


def test_fresh_ends_of_all_queries_go_before_old_stretches_of_any() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        for text in "pqr":
            await reader.ask(text=text, span=14 * DAY)
        await reader.idle()
        assert [one.text for one in source.asked[:3]] == ["p", "q", "r"]
        assert all(one.at == NOW for one in source.asked[:3])
        older = [one.text for one in source.asked[3:9]]
        assert older == ["p", "q", "r", "p", "q", "r"]

    _run(story())


def test_what_nobody_asks_for_is_forgotten_and_what_is_asked_for_is_not() -> None:
    async def story() -> None:
        reader = Reader(Past())
        await reader.whole(text="left")
        await reader.whole(text="kept")
        for minute in range(round(FORGET / 60) + 3):
            reader.now = 60.0 * minute
            kept = await reader.whole(text="kept")
        assert kept.since == NOW - DAY
        assert [key.text for key in reader.history._readings] == ["kept"]
        assert await reader.ask(text="left") == Answer((), since=math.inf)
        await reader.idle()

    _run(story())


def test_a_longer_span_reads_on_where_the_shorter_one_ended() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        await reader.whole(span=DAY)
        source.asked.clear()
        answer = await reader.whole(span=2 * DAY)
        assert source.spans()[0][1] == -1441
        assert answer.since == NOW - 2 * DAY
        _agrees(answer, _ramp)

    _run(story())


@pytest.mark.parametrize("jump", [-30 * DAY, 30 * DAY])
def test_a_clock_that_jumps_and_comes_back_ends_with_what_is_true(jump: float) -> None:
    async def story() -> None:
        reader = Reader(Past())
        await reader.whole()
        _agrees(await reader.whole(NOW + jump), _ramp)
        answer = await reader.whole(NOW + STEP)
        assert answer.since == NOW + STEP - DAY
        _agrees(answer, _ramp)

    _run(story())


def test_memory_is_bounded_and_what_is_left_out_is_said() -> None:
    async def story() -> None:
        source = Past(names="abcdefgh")
        reader = Reader(source, room=3 * 1600)
        answer = await reader.whole()
        assert len(answer.series) == 3
        assert answer.warnings[0].startswith("5 series are left out of the history")
        assert sum(one.grid.size for one in reader.history._readings.values()) <= 3 * 1600

    _run(story())


def test_a_series_that_ended_before_the_span_leaves_the_memory() -> None:
    async def story() -> None:
        gone = round(NOW / STEP) - 10
        source = Past(lambda name, at: math.nan if name == "b" and at > gone else 1.0, names="ab")
        reader = Reader(source)
        span = 200 * STEP
        assert len((await reader.whole(span=span)).series) == 2
        for minute in range(100, 500, 100):
            answer = await reader.whole(NOW + minute * STEP, span=span)
        assert [one.labels["target"] for one in answer.series] == ["a"]

    _run(story())


def test_a_query_without_a_span_goes_straight_to_the_source() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        answer = await reader.history.answer(Query("q", NOW))
        assert isinstance(answer, Answer)
        assert source.asked == [Query("q", NOW)]
        assert reader.history._task is None

    _run(story())


def test_closed_it_reads_nothing_more() -> None:
    async def story() -> None:
        source = Past()
        reader = Reader(source)
        await reader.ask()
        reader.history.close()
        await asyncio.sleep(0.01)
        assert source.asked == []

    _run(story())


_asks = st.lists(
    st.tuples(
        st.floats(0.0, 400.0),  # seconds until it is asked again
        st.sampled_from([30, 100, 250]),  # how many steps back
        st.booleans(),  # whether the source answers meanwhile
        st.booleans(),  # whether all is read before the next
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(_asks, st.integers(0, 2**32 - 1))
def test_whatever_is_asked_when_and_whatever_fails_no_value_is_ever_wrong(
    asks: list[tuple[float, int, bool, bool]], seed: int
) -> None:
    def truth(name: str, at: int) -> float:
        mixed = (at * 2654435761 + ord(name) * 97 + seed) % 1009
        return math.nan if mixed % 7 == 0 else float(mixed)

    async def story() -> None:
        source = Past(truth, "ab")
        reader = Reader(source)
        at = NOW
        for wait, steps, works, quiet in asks:
            at += wait
            reader.now += wait
            source.fault = lambda _, works=works: "" if works else "down"  # type: ignore[misc]
            answered = await reader.ask(at, span=steps * STEP)
            if quiet:
                await reader.idle()
                answered = await reader.ask(at, span=steps * STEP)
            if isinstance(answered, Answer) and answered.series:
                _agrees(answered, truth, "ab")
                times = answered.series[0].times
                assert answered.since == times[0] >= at - steps * STEP - 1e-3
                assert times[-1] <= at + 1e-3
                assert np.all(np.diff(times) == STEP)
        source.fault = lambda _: ""
        reader.now += 100.0
        answer = await reader.whole(at, span=250 * STEP)
        assert answer.since <= at - 249 * STEP
        _agrees(answer, truth, "ab")
        await reader.idle()

    _run(story())
