"""What each reason asks for: replicas for the demand now and ahead, a queue, the SLO."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from controllers.api.base import decimal
from controllers.api.inferenceautoscaler.status import Asked

DRAIN = 30.0
"""Seconds in which a queue shall be worked off."""
BUSY = 0.7
"""The share of a replica's concurrency that is aimed at while its capacity is not known."""
RISE = 1.25
"""How much the demand of the shorter window may exceed that of the longer one in a decision."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of the load; None is not known, which is never the same as none."""

    ready: int
    starting: int
    demand: float | None = None
    """Requests per second over the longer window."""
    lately: float | None = None
    """The same over half of it."""
    backlog: float | None = None
    """Requests that wait."""
    in_flight: float | None = None
    """Requests that are worked on or wait."""
    upper: float | None = None
    """The bound of the demand until a replica asked for now is ready; None: no trusted forecast."""
    later: float | None = None
    """The bound over twice that time."""
    reserve: float = 1.0
    """The multiple of the demand that is kept ready."""
    missed: int = 0
    """Decisions in a row that saw less than the objective."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What one replica does, as far as it is known."""

    rate: float | None
    """Requests per second when it is fully used."""
    concurrency: int | None
    """Requests at a time."""
    carry: Callable[[float], int]
    """The replicas that a demand needs to keep the promise; used only where ``rate`` is known."""
    wait: float = 0.0
    """Seconds that a request may wait for one."""


def asks(load: Load, replica: Replica) -> tuple[tuple[Asked, ...], int]:
    """What each reason asks for now, and the largest number that may be needed later.

    The largest of the former is what is needed at once.
    """
    said: list[Asked] = []
    ahead = 0
    if replica.rate is not None and load.demand is not None:
        demand = steady(load.demand, load.lately)
        said.append(Asked(reason="Demand", replicas=replica.carry(demand), message=(
            f"{decimal(demand, 4)} requests/s at {decimal(replica.rate, 4)} per replica"
        )))  # fmt: skip
        said += _queue(load, replica.rate, replica.wait, said[0].replicas)
        if load.upper is not None:
            said.append(Asked(reason="Forecast", replicas=replica.carry(load.upper), message=(
                f"at most {decimal(load.upper, 4)} requests/s until a new replica is ready"
            )))  # fmt: skip
        ahead = replica.carry(load.later) if load.later is not None else 0
    elif load.in_flight is not None and replica.concurrency is not None:
        said.append(_concurrency(load.in_flight, replica.concurrency))
    said += _slo(load, max((one.replicas for one in said), default=0))
    said += _reserve(load, replica)
    return tuple(said), max([ahead, *(one.replicas for one in said)])


def steady(demand: float, lately: float | None) -> float:
    """The demand now: a rise counts at once up to a quarter, a fall only in the longer window."""
    return demand if lately is None else max(min(lately, RISE * demand), demand)


def _queue(load: Load, rate: float, wait: float, needed: int) -> list[Asked]:
    """Replicas on top of those that the demand needs, so that what waits is worked off in time.

    What those work off within the wait that is allowed is no queue yet: it comes and goes.
    """
    if not load.backlog or load.backlog <= needed * rate * wait:
        return []
    extra = math.ceil(load.backlog / (rate * DRAIN) - 1e-9)
    return [Asked(reason="Backlog", replicas=needed + extra, message=(
        f"{decimal(load.backlog, 4)} requests wait, to be worked off in {DRAIN:.0f} s"
    ))]  # fmt: skip


def _reserve(load: Load, replica: Replica) -> list[Asked]:
    """Replicas for more than the demand now, which rises too fast for the forecast."""
    if replica.rate is None or load.demand is None or load.reserve <= 1.0:
        return []
    kept = load.reserve * steady(load.demand, load.lately)
    return [Asked(reason="Reserve", replicas=replica.carry(kept), message=(
        f"{decimal(load.reserve, 3)} times the demand, as the objective was missed with less"
    ))]  # fmt: skip


def _concurrency(in_flight: float, concurrency: int) -> Asked:
    needed = math.ceil(in_flight / (BUSY * concurrency) - 1e-9)
    message = (
        f"{decimal(in_flight, 4)} requests in flight, {decimal(BUSY * concurrency, 4)} per replica"
    )
    return Asked(reason="Concurrency", replicas=needed, message=message)


def _slo(load: Load, most: int) -> list[Asked]:
    """A quarter more while the objective is missed, at most twice what the load explains.

    Only once everything asked for is ready: what is starting may be enough, and answers that are
    late for another reason than load are not helped by any number of replicas.
    """
    if load.missed < 2 or load.starting or not load.ready:
        return []
    more = min(math.ceil(1.25 * load.ready), 2 * most)
    message = f"the objective was missed in {load.missed} decisions with all replicas ready"
    return [Asked(reason="Slo", replicas=more, message=message)]
