"""Work that may wait, done a little at a time between the decisions."""

import asyncio
import time
from collections.abc import Callable

SHARE = 4.0
"""Between two pieces there is a rest of so many times what the last one took."""


class Background:
    """Does piece after piece until there is none; ``piece`` says whether there was one."""

    def __init__(self, piece: Callable[[], bool]) -> None:
        self._piece = piece
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Goes on in the running event loop, beside whoever calls."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="background")

    async def _work(self) -> None:
        began = time.monotonic()
        while self._piece():
            await asyncio.sleep(SHARE * (time.monotonic() - began))
            began = time.monotonic()
