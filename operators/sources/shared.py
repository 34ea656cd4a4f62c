"""Queries that are the same sent once, however many ask and whenever in a while they do."""

import asyncio

from controllers.readings import Answered, Missing, Query
from operators.runtime.loop import Source

KEPT = 10.0
"""Seconds for which an answer is given to whoever asks the same: no more than an interval."""


class Shared:
    """A source that shares answers among those who ask for the same text at the same instant.

    What failed or matched nothing is shared only while it is on its way: a sample may come late.
    Queries with a span go straight to the source.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._asked: dict[Query, asyncio.Task[Answered]] = {}

    async def answer(self, query: Query) -> Answered:
        """The answer, or Missing with FAILED."""
        if query.span:
            return await self._source.answer(query)
        task = self._asked.get(query)
        if task is None:
            task = self._asked[query] = asyncio.create_task(self._send(query))
        # Shielded, because others may wait for the same answer when one of us is cancelled.
        return await asyncio.shield(task)

    async def _send(self, query: Query) -> Answered:
        answered: Answered | None = None
        try:
            answered = await self._source.answer(query)
        finally:
            empty = answered is None or isinstance(answered, Missing) or not answered.series
            asyncio.get_running_loop().call_later(
                0.0 if empty else KEPT, self._asked.pop, query, None
            )
        return answered
