"""What a kind may look at while it observes: caches that watches keep, never the network."""

from collections.abc import Hashable, Mapping

from controllers.plan import Resource
from operators.runtime.objects import Obj
from operators.runtime.store import Store


class World:
    """The caches of our own kinds and of those that they watch; objects are to be read only."""

    def __init__(self, stores: Mapping[Resource, Store]) -> None:
        self._stores = stores

    def get(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """The object as last seen, or None; KeyError for a kind that nobody watches."""
        return self._stores[resource].get(namespace, name)

    def unserved(self, resource: Resource) -> str:
        """Why objects of this kind cannot be read now; empty: they can.

        Its CRD is not installed, or a right is missing; it turns empty when that comes.
        """
        store = self._stores[resource]
        return "" if store.served else store.why

    def by(self, resource: Resource, index: str, value: Hashable) -> list[Obj]:
        """The objects that have the value in an index that their kind or a watch of them names."""
        return self._stores[resource].by(index, value)

    def store(self, resource: Resource) -> Store:
        """The cache itself, for the runtime."""
        return self._stores[resource]
