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

    def served(self, resource: Resource) -> bool:
        """Whether the API server serves this kind and all its objects are known.

        False while its CRD is not installed; this turns True when that comes.
        """
        return self._stores[resource].served

    def by(self, resource: Resource, index: str, value: Hashable) -> list[Obj]:
        """The objects of one of our own kinds that have the value in an index of that kind."""
        return self._stores[resource].by(index, value)

    def store(self, resource: Resource) -> Store:
        """The cache itself, for the runtime."""
        return self._stores[resource]
