"""How many replicas keep the wait of a given demand within bounds: a queue with many slots."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray

UTILISATION = 0.95
"""The share of its saturated rate that a replica is never planned beyond."""

IntArray = npt.NDArray[np.int64]
Counts = int | IntArray
Floats = float | FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_TAIL = 37.0
"""Nats below its peak at which the integrand no longer counts: under 1e-16 of it."""
_COARSE = 21
"""Bits of a demand that are rounded away, which leaves steps of 5e-10 of it."""


@dataclass(frozen=True)
class Service:
    """What one replica does."""

    rate: float
    """Requests per second when all its slots are busy."""
    slots: int = 1
    """Requests that it serves at once; one then takes ``slots / rate`` seconds, by Little's law."""
    cs2: float = 1.0
    """The squared coefficient of variation of the service time."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0.0):
            raise ValueError(f"rate is {self.rate}, it must be a number of requests/s above 0")
        if self.slots < 1:
            raise ValueError(f"slots is {self.slots}, it must be at least 1")


@dataclass(frozen=True)
class Wait:
    """The wait for a free slot that is allowed."""

    seconds: float
    share: float
    """The share of the requests that may wait longer."""

    def __post_init__(self) -> None:
        if not self.seconds >= 0.0:
            raise ValueError(f"seconds is {self.seconds}, it must be 0 or more")
        if not 0.0 < self.share < 1.0:
            raise ValueError(f"share is {self.share}, it must lie between 0 and 1")


def busy_probability(slots: Counts, load: Floats) -> FloatArray:
    """Erlang's C: the share of Poisson arrivals that find every slot busy; 1 from saturation on.

    ``load`` is in slots: demand times service time. Accurate to about 1e-10 for any number of
    slots, at a cost that does not grow with it: Jagerman's integral for the inverse of Erlang's B,
    1/B = load * int_0^inf exp(-load t) (1+t)^slots dt (Bell Syst. Tech. J. 53, 1974), with its
    peak taken out and the rest by Gauss-Legendre; then 1/C = (1-rho)/B + rho.
    """
    servers = np.asarray(slots, dtype=np.float64)
    rho = np.minimum(np.maximum(np.asarray(load, dtype=np.float64) / servers, 1e-12), 1.0)
    # With u the distance from the peak in units of 1/rho, the integrand is exp(c(log(1+u) - u)).
    spread = 2.0 * _TAIL / servers
    lowest = -np.minimum(1.0 - rho, np.sqrt(spread))
    highest = 0.5 * spread + np.sqrt(0.25 * spread * spread + spread)
    half = 0.5 * (highest - lowest)
    u = (lowest + half)[..., None] + half[..., None] * _NODES
    integral = half * np.sum(_WEIGHTS * np.exp(servers[..., None] * (np.log1p(u) - u)), axis=-1)
    log_inverse_b = np.log(servers * integral) - servers * (np.log(rho) + 1.0 - rho)
    with np.errstate(divide="ignore"):
        idle = np.log1p(-rho) + log_inverse_b
    return np.asarray(np.exp(-np.logaddexp(idle, np.log(rho))), dtype=np.float64)


def wait_probability(
    replicas: Counts, demand: Floats, service: Service, seconds: float, ca2: float = 1.0
) -> FloatArray:
    """The share of the requests that wait longer than so many seconds; 1 from saturation on.

    ``demand`` is in requests/s, ``ca2`` the index of dispersion of its counts (1: Poisson). Exact
    for Poisson arrivals and exponential service; otherwise the approximation of Allen and Cunneen,
    C * exp(-2 (n mu - lambda) D / (ca2 + cs2)). It falls with replicas, rate, slots at that rate,
    and seconds, and rises with demand and both variabilities, without exception. (A caller whose
    ``seconds`` shrink as slots are added has a trade-off of its own.)
    """
    count = np.asarray(replicas, dtype=np.float64)
    rate = np.asarray(demand, dtype=np.float64)
    spare = np.maximum(count * service.rate - rate, 0.0)
    busy = busy_probability(
        np.asarray(count * service.slots, dtype=np.int64), rate * (service.slots / service.rate)
    )
    variability = max(ca2 + service.cs2, 1e-6)
    late = np.where(rate > 0.0, busy * np.exp(-2.0 * spare * seconds / variability), 0.0)
    return np.asarray(late, dtype=np.float64)


def replicas(demand: float, service: Service, allowed: Wait, most: int, ca2: float = 1.0) -> int:
    """The fewest replicas that carry the demand (requests/s) within the wait that is allowed.

    0 for no demand; ``most + 1`` when not even ``most`` carry it. Never falls as demand grows. A
    demand that is not a number is refused: what is unknown is not zero.
    """
    _refuse_unknown(demand)
    if demand <= 0.0:
        return 0
    first = max(math.floor(min(demand / (UTILISATION * service.rate), most + 1.0)), 1)
    rounded = _value(_index(np.array([demand], dtype=np.float64)))
    width = 4
    while first <= most:
        tried = np.arange(first, min(first + width, most + 1))
        carried = _carries(tried, rounded, service, allowed, ca2)
        if carried.any():
            return int(tried[np.argmax(carried)])
        first, width = first + width, 4 * width
    return most + 1


@dataclass(frozen=True, eq=False)
class Table:
    """The answers of ``replicas`` for one service and wait, by look-up."""

    largest: FloatArray
    """The largest demand (requests/s) that 1, 2, ... replicas carry, ascending."""

    def replicas(self, demand: FloatArray) -> IntArray:
        """The fewest replicas for each demand, as the function of that name has it."""
        _refuse_unknown(demand)
        count = np.searchsorted(self.largest, demand, side="left") + 1
        return np.asarray(np.where(demand <= 0.0, 0, count), dtype=np.int64)


def table(service: Service, allowed: Wait, most: int, ca2: float = 1.0) -> Table:
    """The table for up to ``most`` replicas, by bisection; milliseconds for hundreds."""
    count = np.arange(1, most + 1)
    carried = np.zeros(most, dtype=np.int64)
    refused = _index(UTILISATION * service.rate * count.astype(np.float64)) + 1
    while np.any(refused - carried > 1):
        middle = (carried + refused) // 2
        fits = _carries(count, _value(middle), service, allowed, ca2)
        carried, refused = np.where(fits, middle, carried), np.where(fits, refused, middle)
    return Table(np.maximum.accumulate(_value(carried)))


def _carries(
    count: IntArray, demand: FloatArray, service: Service, allowed: Wait, ca2: float
) -> npt.NDArray[np.bool_]:
    late = wait_probability(count, demand, service, allowed.seconds, ca2)
    return (demand <= UTILISATION * service.rate * count) & (late <= allowed.share)


def _refuse_unknown(demand: Floats) -> None:
    if np.any(np.isnan(demand)):
        raise ValueError("demand is not a number: a missing metric has no number of replicas")


# Demands are compared on a grid, rounded up. Its steps move the probability far more than the
# errors of its evaluation do, so that the answer is monotone and the table is exact.
def _index(demand: FloatArray) -> IntArray:
    """The place of a demand on the grid; the bits of positive floats are in their order."""
    return np.asarray((demand.view(np.int64) + (1 << _COARSE) - 1) >> _COARSE, dtype=np.int64)


def _value(index: IntArray) -> FloatArray:
    return np.asarray((index << _COARSE).view(np.float64), dtype=np.float64)
