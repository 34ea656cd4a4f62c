"""Does things side by side, each as soon as those it needs are done."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait


def in_order(needs: Mapping[str, Collection[str]], act: Callable[[str], None]) -> None:
    """Acts once on each name, as soon as the names it needs are done; the first error wins.

    When this returns or raises, no act is under way and none will begin.
    """
    done: set[str] = set()
    running: dict[Future[None], str] = {}
    waiting = dict(needs)
    gate = _Gate(act)
    try:
        with ThreadPoolExecutor(max_workers=max(1, len(needs))) as pool:
            while waiting or running:
                for name in [name for name, needed in waiting.items() if done.issuperset(needed)]:
                    del waiting[name]
                    running[pool.submit(gate.act, name)] = name
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
                    done.add(running.pop(future))
    finally:
        gate.close()


class _Gate:
    """Knows what is under way: a Ctrl-C while a thread is born makes its executor forget it."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._changed = threading.Condition()
        self._under_way = 0
        self._closed = False

    def act(self, name: str) -> None:
        with self._changed:
            if self._closed:
                return
            self._under_way += 1
        try:
            self._act(name)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._under_way == 0)
