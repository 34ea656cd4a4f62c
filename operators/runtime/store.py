"""The last known objects of one kind, never older than what was already known."""

from collections.abc import Callable, Hashable, Iterable

from controllers.plan import Resource
from operators.runtime.objects import Key, Obj, Trim, key_of, slim, version_of

Listener = Callable[[Obj | None, Obj | None, bool], None]
"""Called with an object before and after a change (None: not there), and whether we made it."""

Values = Callable[[Obj], Iterable[Hashable]]
"""What an object is to be found by."""


class Store:
    """A cache that a list replaces, events advance and responses to our own writes run ahead of.

    ``trim`` says what is kept of an object.
    """

    def __init__(self, resource: Resource, trim: Trim = slim) -> None:
        self.resource = resource
        self._trim = trim
        self.served = False
        """Whether the API server serves this kind and all its objects have been listed."""
        self.why = "not listed yet"
        """Why it is not served."""
        self.asked = False
        """Whether the API server has ever said if it serves this kind."""
        self._objects: dict[Key, Obj] = {}
        self._listeners: list[Listener] = []
        self._on_served: list[Callable[[], None]] = []
        self._on_doubt: list[Callable[[], None]] = []
        self._indices: dict[str, tuple[Values, dict[Hashable, dict[Key, Obj]]]] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> Obj | None:
        """The object as last seen, to be read only."""
        return self._objects.get(Key(namespace, name))

    def knows(self, obj: Obj) -> bool:
        """Whether this object, or a later state of it, is here; may be asked from any thread."""
        old = self.get(*key_of(obj))
        return old is not None and version_of(obj) <= version_of(old)

    def keep(self, obj: Obj) -> Obj:
        """What to hold of a listed object: the one that is here, or what is kept of a newer one."""
        old = self.get(*key_of(obj))
        return self._trim(obj) if old is None or version_of(old) < version_of(obj) else old

    def objects(self) -> Iterable[Obj]:
        """All objects, to be read only."""
        return self._objects.values()

    def index(self, name: str, values: Values) -> None:
        """Makes the objects findable by what ``values`` says of each; before the first arrives.

        Two may name the same index; ValueError if they mean different things by it.
        """
        if name in self._indices and self._indices[name][0] is not values:
            raise ValueError(f"two different indices {name!r} of {self.resource.plural}")
        self._indices[name] = (values, {})

    def by(self, name: str, value: Hashable) -> list[Obj]:
        """The objects that have the value in the named index, to be read only."""
        return list(self._indices[name][1].get(value, {}).values())

    def on_change(self, listener: Listener) -> None:
        """Calls ``listener`` at every change from now on, except while the first list comes in."""
        self._listeners.append(listener)

    def on_served(self, listener: Callable[[], None]) -> None:
        """Calls ``listener`` whenever the kind begins or ceases to be served."""
        self._on_served.append(listener)

    def on_doubt(self, listener: Callable[[], None]) -> None:
        """Calls ``listener``, who keeps this cache, whenever it seems to have missed something."""
        self._on_doubt.append(listener)

    def doubt(self) -> None:
        """Tells whoever keeps this cache that an event was lost, as far as a writer can see."""
        for listener in self._on_doubt:
            listener()

    def apply(self, obj: Obj) -> None:
        """Takes in an object that a watch reports as added or modified."""
        self._take(self._trim(obj), ours=False)

    def put(self, obj: Obj) -> None:
        """Takes in the response to a write of ours, so that it is read before its event arrives.

        Only an object that is known is advanced: an answer that comes after the deletion was seen
        brings nothing back.
        """
        old = self._objects.get(key_of(obj))
        if old is not None and old["metadata"].get("uid") == obj["metadata"].get("uid"):
            self._take(self._trim(obj), ours=True)

    def discard(self, obj: Obj) -> None:
        """Takes out an object that is gone; one of the same name that came after it stays."""
        key = key_of(obj)
        old = self._objects.get(key)
        if old is not None and version_of(old) <= version_of(obj):
            self._remove(key, old)

    def replace(self, objects: Iterable[Obj], version: int) -> None:
        """Makes a list, consistent at ``version``, the truth: what is not in it has vanished.

        The objects are those that ``keep`` returned, or may be kept as they are.
        """
        listed = {key_of(obj): obj for obj in objects}
        for key, old in [one for one in self._objects.items() if one[0] not in listed]:
            if version_of(old) <= version:
                self._remove(key, old)
        for obj in listed.values():
            self._take(obj, ours=False)
        self.asked = True
        if not self.served:
            self.served, self.why = True, ""
            self._tell_served()

    def withdraw(self, why: str) -> None:
        """Forgets everything, because the API server does not let us see this kind now."""
        was, self.served, self.why = self.served, False, why
        self.asked = True
        self._objects.clear()
        for _, found in self._indices.values():
            found.clear()
        if was:
            self._tell_served()

    def _take(self, obj: Obj, *, ours: bool) -> None:
        key = key_of(obj)
        old = self._objects.get(key)
        if old is not None and version_of(obj) <= version_of(old):
            return
        self._unindex(key, old)
        self._objects[key] = obj
        for values, found in self._indices.values():
            for value in values(obj):
                found.setdefault(value, {})[key] = obj
        self._tell(old, obj, ours=ours)

    def _remove(self, key: Key, old: Obj) -> None:
        self._unindex(key, old)
        del self._objects[key]
        self._tell(old, None, ours=False)

    def _unindex(self, key: Key, old: Obj | None) -> None:
        if old is None:
            return
        for values, found in self._indices.values():
            for value in values(old):
                having = found.get(value, {})
                having.pop(key, None)
                if not having:
                    found.pop(value, None)

    def _tell(self, old: Obj | None, new: Obj | None, *, ours: bool) -> None:
        if self.served:
            for listener in self._listeners:
                listener(old, new, ours)

    def _tell_served(self) -> None:
        for listener in self._on_served:
            listener()
