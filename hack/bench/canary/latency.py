"""Releases that become slower: counts beyond the edges of Istio's histogram, and their judges."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from controllers.api.modelcanary.spec import Guardrail
from controllers.modelcanary import measure
from controllers.modelcanary.bounds import COUNTS, bounds
from controllers.readings import FloatArray
from controllers.stats.evidence import Block
from hack.bench.canary import kayenta, ours
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.rules import first, marks
from hack.bench.canary.simulate import CANDIDATE, STABLE

EDGES = np.array([0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000], np.float64)
"""Istio's own, in milliseconds, up to where nothing is slower any more."""
MEDIAN, SIGMA = 40.0, 0.8
DECLARED = "250ms"


@dataclass(frozen=True)
class Fault:
    """One way to be slower."""

    name: str
    factor: float = 1.0
    """How much longer every answer takes."""
    stalled: float = 0.0
    """The share of the answers that take two seconds more."""

    def tails(self) -> FloatArray:
        """The share of the candidate's answers that are slower than each edge."""
        usual, late = (_tail(edges / self.factor) for edges in (EDGES, EDGES - 2000.0))
        slower: FloatArray = (1.0 - self.stalled) * usual + self.stalled * late
        return slower


FAULTS = (
    Fault("as fast"),
    Fault("+10 %", factor=1.1),
    Fault("+20 %", factor=1.2),
    Fault("+50 %", factor=1.5),
    Fault("0.5 % of requests +2 s", stalled=0.005),
)


def _tail(edges: FloatArray) -> FloatArray:
    """Of the log-normal; all answers are slower than an edge of at most zero."""
    positive = np.maximum(edges, 1e-300)
    tail: FloatArray = norm.sf(np.log(positive / MEDIAN) / SIGMA)
    return tail


@dataclass(frozen=True, eq=False)
class Histograms:
    """The answers of both arms by tick and run, and how many were slower than each edge."""

    ramp: Ramp
    requests: FloatArray
    """(arm, ticks, runs)."""
    slower: FloatArray
    """(arm, edges, ticks, runs)."""
    before: FloatArray
    """Stable's answers in the block before the first weight, from which the edges are chosen."""
    slow_before: FloatArray
    """(edges, runs)."""


def simulate(
    draw: np.random.Generator, fault: Fault, ramp: Ramp, runs: int, traffic: float = 50.0
) -> Histograms:
    """Requests as a Poisson process, each with a latency of its own."""
    requests = draw.poisson(traffic * ramp.tick, (ramp.ticks, runs))
    candidate = draw.binomial(requests, ramp.shares[:, None])
    arms = np.stack([requests - candidate, candidate])
    usual = Fault("").tails()
    slower = np.stack(
        [_slower(draw, arms[STABLE], usual), _slower(draw, arms[CANDIDATE], fault.tails())]
    )
    before = draw.poisson(traffic * ramp.tick, runs)
    return Histograms(
        ramp,
        arms.astype(np.float64),
        slower,
        before.astype(np.float64),
        _slower(draw, before, usual),
    )


def _slower(
    draw: np.random.Generator, requests: npt.NDArray[np.int64], tails: FloatArray
) -> FloatArray:
    """How many are slower than each edge: of those slower than one, a share is than the next."""
    counts = np.empty((len(EDGES), *requests.shape))
    left, before = requests, 1.0
    for edge, tail in enumerate(tails):
        left = draw.binomial(left, min(tail / before, 1.0) if before > 0.0 else 0.0)
        counts[edge], before = left, tail
    return counts


def judge(seen: Histograms, tolerance: float) -> ours.Verdict:
    """The verdicts of this project, each run by the edges that the operator would freeze for it."""
    guardrail = Guardrail.model_validate(
        {"name": "latency", "type": "Latency", "edge": DECLARED, "tolerance": str(tolerance)}
    )
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for run in range(len(seen.before)):
        alike[_edges(guardrail, seen, run)].append(run)
    runs = len(seen.before)
    whole = ours.Verdict({0.05: np.full(runs, np.inf)}, {0.05: np.full(runs, np.inf)})
    for edges, members in alike.items():
        limits = [bounds(guardrail, declared=edge == edges[0]) for edge in edges]
        series = [_series(seen, edge, members) for edge in edges]
        counts = list(zip(series, limits, strict=True))
        part = ours.judge(counts, seen.ramp, len(members), alphas=(0.05,))
        whole.rollback[0.05][members] = part.rollback[0.05]
        whole.certified[0.05][members] = part.certified[0.05]
    return whole


def _edges(guardrail: Guardrail, seen: Histograms, run: int) -> tuple[int, ...]:
    """The edges that are frozen when a run begins, the declared one first."""
    names = [f"{edge:g}" for edge in EDGES]
    bad = {name: (float(seen.slow_before[i, run]), 0.0) for i, name in enumerate(names)}
    counts = measure.Counts(float(seen.before[run]), 0.0, bad)
    chosen = measure.edges(guardrail, counts, COUNTS)
    if chosen is None:
        raise ValueError(f"edge {DECLARED}: the histogram has no such edge")
    return tuple(names.index(edge) for edge in chosen)


def _series(seen: Histograms, edge: int, runs: list[int]) -> ours.Series:
    dropped = ours.settling(seen.ramp)
    closed = {change + late for change in seen.ramp.changes for late in range(dropped)}
    return [
        None
        if tick in closed
        else Block(
            seen.requests[STABLE, tick, runs],
            seen.slower[STABLE, edge, tick, runs],
            seen.requests[CANDIDATE, tick, runs],
            seen.slower[CANDIDATE, edge, tick, runs],
        )
        for tick in range(seen.ramp.ticks)
    ]


def quantiles(seen: Histograms, level: float = 0.99) -> FloatArray:
    """``histogram_quantile`` over one minute, looked at every minute: (arm, minutes, runs)."""
    width = seen.ramp.length(1.0)
    # Four scrapes lie in a minute's window: three steps between them.
    looks = marks(seen.ramp, 60.0)
    steps = looks[:, None] - np.arange(width - 1) - 1
    requests = seen.requests[:, steps].sum(axis=2)
    slower = seen.slower[:, :, steps].sum(axis=3)
    wanted = (1.0 - level) * requests
    above = slower > wanted[:, None]
    bucket = np.minimum(above.sum(axis=1), len(EDGES) - 1)
    upper = np.take_along_axis(slower, bucket[:, None], axis=1)[:, 0]
    lower = np.take_along_axis(slower, np.maximum(bucket - 1, 0)[:, None], axis=1)[:, 0]
    lower = np.where(bucket == 0, requests, lower)
    begin = np.where(bucket == 0, 0.0, EDGES[np.maximum(bucket - 1, 0)])
    share = (lower - wanted) / np.maximum(lower - upper, 1e-12)
    found: FloatArray = begin + (EDGES[bucket] - begin) * share
    return found


def others(seen: Histograms) -> dict[str, FloatArray]:
    """When the other judges roll back, in minutes; inf: never."""
    ramp, looks = seen.ramp, marks(seen.ramp, 60.0)
    p99 = quantiles(seen)
    slow = np.cumsum(p99[CANDIDATE] > 500.0, axis=0) >= 5
    popular = np.cumsum(p99[CANDIDATE] > 1.2 * p99[STABLE], axis=0) > 3
    return {
        "Flagger docs: p99 <= 500 ms, threshold 5": first(slow, ramp, looks, late=60.0),
        "p99 <= 1.2 x stable's, failureLimit 3": first(popular, ramp, looks),
        "Kayenta on p99": kayenta.judged(p99[STABLE].T, p99[CANDIDATE].T, ramp),
    }
