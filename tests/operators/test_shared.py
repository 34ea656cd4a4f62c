"""Shared answers: one query for all who ask the same, and nothing kept that may still come."""

import asyncio

import numpy as np
import pytest

from controllers.readings import Answer, Answered, Gap, Missing, Query, Series
from operators.sources import shared
from operators.sources.shared import Shared

UP = Query("up", 1000.0)
FOUND = Answer((Series({}, np.array([1000.0]), np.array([1.0])),))


class Slow:
    """Answers each query after a moment and counts them."""

    def __init__(self, answered: Answered) -> None:
        self.answered = answered
        self.asked: list[Query] = []

    async def answer(self, query: Query) -> Answered:
        self.asked.append(query)
        await asyncio.sleep(0.01)
        return self.answered


def test_a_thousand_who_ask_the_same_send_one_query_at_once_and_a_moment_later() -> None:
    async def story() -> None:
        source = Slow(FOUND)
        one = Shared(source)
        answers = await asyncio.gather(*(one.answer(UP) for _ in range(1000)))
        assert all(found is FOUND for found in answers)
        await asyncio.sleep(0.01)
        assert await one.answer(UP) is FOUND
        assert source.asked == [UP]

    asyncio.run(story())


@pytest.mark.parametrize(
    "other",
    [
        Query("up", 1015.0),
        Query("down", 1000.0),
        Query("up", 1000.0, lookback=5.0),
        Query("up", 1000.0, span=60.0, step=60.0),
    ],
    ids=["a later instant", "another text", "another lookback", "a span"],
)
def test_what_is_not_the_same_is_sent(other: Query) -> None:
    async def story() -> None:
        source = Slow(FOUND)
        one = Shared(source)
        for query in (UP, other, other):
            await one.answer(query)
        assert source.asked == [UP, other, *([other] if other.span else [])]

    asyncio.run(story())


@pytest.mark.parametrize("answered", [Missing(Gap.FAILED, "away"), Answer(())])
def test_what_failed_or_found_nothing_is_asked_again(answered: Answered) -> None:
    async def story() -> None:
        source = Slow(answered)
        one = Shared(source)
        await asyncio.gather(one.answer(UP), one.answer(UP))
        await asyncio.sleep(0.01)
        source.answered = FOUND
        assert await one.answer(UP) is FOUND
        assert len(source.asked) == 2

    asyncio.run(story())


def test_an_answer_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(shared, "KEPT", 0.02)
        source = Slow(FOUND)
        one = Shared(source)
        await one.answer(UP)
        await asyncio.sleep(0.05)
        await one.answer(UP)
        assert source.asked == [UP, UP]

    asyncio.run(story())


def test_one_who_gives_up_leaves_the_others_their_answer() -> None:
    async def story() -> None:
        one = Shared(Slow(FOUND))
        impatient = asyncio.create_task(one.answer(UP))
        patient = asyncio.create_task(one.answer(UP))
        await asyncio.sleep(0)
        impatient.cancel()
        assert await patient is FOUND

    asyncio.run(story())
