"""What a decision may ask for: a status, writes to other objects, events and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

FINALIZER = "modelyard.dev/cleanup"

StatusT = TypeVar("StatusT")


@dataclass(frozen=True)
class Resource:
    """One kind of object as the API server names it in its paths."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """The value of ``apiVersion`` in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True)
class Meta:
    """The metadata of the object that is decided about."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    deleting: bool = False
    finalizer: bool = False
    """Whether our finalizer is on the object."""


@dataclass(frozen=True)
class Event:
    """Something a person should hear of, once."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True)
class Write:
    """A merge patch of a foreign object, refused by the server if it changed since it was read."""

    resource: Resource
    namespace: str
    name: str
    resource_version: str
    patch: Mapping[str, Any]
    subresource: str = ""
    """Such as ``scale``, whose shape the patch then has; empty: the object itself."""


@dataclass(frozen=True)
class Plan(Generic[StatusT]):
    """What shall be done about one object, in this order: finalizer, writes, status, events, spent.

    ``status`` is written last of what changes the world, so that it never claims work that was not
    done. With ``record`` it is written at once; without, it may stay in memory until the next
    checkpoint, because it can be recomputed from what was recorded before.
    """

    status: StatusT
    reason: str
    """The decision in one PascalCase word, counted by the operator's own metrics."""
    writes: tuple[Write, ...] = ()
    events: tuple[Event, ...] = ()
    finalizer: bool = False
    """Whether our finalizer shall be on the object after this plan."""
    spent: frozenset[str] = frozenset()
    """Annotations of ours that were used up and are removed once the status is on record."""
    look_again: float | None = None
    """Seconds until the object is due again without any event; None: only an event wakes it."""
    record: bool = True
