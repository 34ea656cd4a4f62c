"""Which keys a change of an object makes due."""

import logging

from operators.runtime.kind import AnyKind, Watch
from operators.runtime.objects import Key, Obj, key_of
from operators.runtime.queue import Queue
from operators.runtime.world import World

_log = logging.getLogger(__name__)


def connect(kind: AnyKind, world: World, queue: Queue[Key]) -> None:
    """From now on every change that concerns an object of this kind puts its key on the queue.

    The response to our own write to an object of ours wakes nobody but its peers: the plan that
    wrote it also said when to look again.
    """
    own = world.store(kind.api.resource)
    for name, values in kind.indices.items():
        own.index(name, values)

    def wake_all() -> None:
        for obj in own.objects():
            queue.add(key_of(obj))

    def wake_itself(old: Obj | None, new: Obj | None, ours: bool) -> None:
        one = new or old
        if one is not None and not ours:
            queue.add(key_of(one))

    own.on_change(wake_itself)
    own.on_served(wake_all)
    for watch in kind.watches:
        for name, values in watch.indices.items():
            world.store(watch.resource).index(name, values)
        _follow(watch, kind, world, queue)
        if watch.resource != kind.api.resource:
            world.store(watch.resource).on_served(wake_all)


def _follow(watch: Watch, kind: AnyKind, world: World, queue: Queue[Key]) -> None:
    def wake(old: Obj | None, new: Obj | None, _ours: bool) -> None:
        for one in (old, new):
            if one is None:
                continue
            try:
                keys = set(watch.keys(world, one))
            except Exception:  # noqa: BLE001 - it must not end the watch that told us
                _log.exception("a bug of ours: whom does %s wake?", watch.resource.plural)
                continue
            if watch.resource == kind.api.resource:
                keys.discard(key_of(one))
            for key in keys:
                queue.add(key)

    world.store(watch.resource).on_change(wake)
