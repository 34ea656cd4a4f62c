"""One kind as its loop sees it: what it needs, sees and decides, and which rights that takes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from controllers.api.base import Crd, Model
from controllers.plan import Meta, Plan, Resource
from controllers.readings import Answered, Query
from operators.runtime.objects import Key, Obj, Trim, slim
from operators.runtime.rights import Rule, own
from operators.runtime.store import Values
from operators.runtime.world import World

SpecT = TypeVar("SpecT", bound=Model)
StatusT = TypeVar("StatusT", bound=Model)
SeenT = TypeVar("SeenT")


@dataclass(frozen=True)
class Watch:
    """A kind of objects that are not ours, or peers of our own, whose changes concern us."""

    resource: Resource
    keys: Callable[[World, Obj], Iterable[Key]]
    """Which of our objects a change of that object wakes."""
    trim: Trim = slim
    """What is kept of each; all who watch the same resource must say the same."""
    indices: Mapping[str, Values] = field(default_factory=dict)
    """By name: what the watched objects are found by, with ``World.by``."""


@dataclass(frozen=True)
class Kind(Generic[SpecT, StatusT, SeenT]):
    """Everything the runtime has to know of a kind; ``now`` is unix seconds throughout."""

    api: Crd
    needs: Callable[[Meta, SpecT, StatusT, float], tuple[Query, ...]]
    """Pure: what to ask Prometheus before deciding."""
    observe: Callable[[World, Meta, SpecT, StatusT, Mapping[Query, Answered], float], SeenT]
    """Reads caches and answers, without input or output of its own."""
    decide: Callable[[Meta, SpecT, StatusT, SeenT, float], Plan[StatusT]]
    """Pure: all the judgement of the kind."""
    refuse: Callable[[Meta, StatusT, str, float], Plan[StatusT]]
    """Pure: what to say of a spec that does not parse; it is not tried again until it changes."""
    watches: tuple[Watch, ...] = ()
    indices: Mapping[str, Values] = field(default_factory=dict)
    """By name: what our own objects are found by, with ``World.by``."""
    rules: tuple[Rule, ...] = ()
    """The rights it takes, beside those to its own objects."""

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rights it takes, its own objects' among them."""
        return (*own(self.api.plural), *self.rules)


AnyKind = Kind[Any, Any, Any]
