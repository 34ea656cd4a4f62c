"""Recorded traffic as requests per second: ServeGen's clients drawn anew, Azure's as it was."""

import csv
import gzip
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray

WINDOW = 600
"""Seconds for which ServeGen gives one rate per client."""
DAY = 86_400
GAP = 0.05
"""A window with less than this share of the median rate was not collected."""
LEAST = 0.05
"""No client is more regular than this."""
CLUSTERS = 20
"""A client's requests come in at least so many bursts per window.

A renewal process has bursts of about cv**2 requests. The cv of n times within one window is below
sqrt(n) whatever happens, and one that is near it tells of a few long silences, not of one burst.
"""


def _weibull() -> tuple[FloatArray, FloatArray]:
    """The logarithms of the cv and of the shape of Weibull distributions, in order of the cv."""
    shape = np.geomspace(20.0, 0.1, 2000)
    log = np.array([math.lgamma(1.0 + 2.0 / k) - 2.0 * math.lgamma(1.0 + 1.0 / k) for k in shape])
    return 0.5 * np.log(np.expm1(log)), np.log(shape)


_WEIBULL = _weibull()


def folder() -> Path:
    """Where the traces lie: TRACES_DIR, else beside the repository.

    Raises FileNotFoundError that says where they come from.
    """
    found = Path(os.environ.get("TRACES_DIR", Path(__file__).parents[4] / "shared" / "traces"))
    if not found.is_dir():
        raise FileNotFoundError(
            f"{found} is no folder: set TRACES_DIR to one with servegen_*_clients.csv.gz (from "
            "alibaba/ServeGen) and AzureLLMInferenceTrace_conv.csv.gz (from AzurePublicDataset)"
        )
    return found


@dataclass(frozen=True, eq=False)
class Window:
    """The clients of one window; arrays are (clients,)."""

    rate: FloatArray
    """Requests per second, in the mean of the window."""
    cv: FloatArray
    """Coefficient of variation of the time between two requests of a client."""
    weibull: BoolArray
    """Whether that time is Weibull; else it is Gamma."""

    def scaled(self, factor: float) -> "Window":
        """The same clients at ``factor`` times their rates.

        Below 1 each request is kept with that chance, as by one of several equal deployments
        behind one balancer: then the square of the cv goes to ``factor * cv**2 + 1 - factor`` (a
        geometric sum of times), so that bursts shrink with the rate. Above 1 there are more
        clients of the same kind, which leaves the cv what it is.
        """
        kept = min(factor, 1.0)
        cv = np.sqrt(kept * self.cv**2 + 1.0 - kept)
        return Window(self.rate * factor, cv, self.weibull)

    @property
    def shape(self) -> FloatArray:
        """The shape of the Gamma or Weibull distribution with this cv."""
        gamma = 1.0 / self.cv**2
        weibull = np.exp(np.interp(np.log(self.cv), *_WEIBULL))
        shape: FloatArray = np.where(self.weibull, weibull, gamma)
        return shape

    def beside(self, other: "Window") -> "Window":
        """The clients of both."""
        return Window(
            np.concatenate([self.rate, other.rate]),
            np.concatenate([self.cv, other.cv]),
            np.concatenate([self.weibull, other.weibull]),
        )


def servegen(name: str, mean: float) -> list[Window]:
    """All windows of one ServeGen trace, scaled to ``mean`` requests per second.

    Windows without a client are gaps in the collection, not idleness, and so are those beside them
    with a few requests of thousands: there the clients before fade out while those after fade in,
    which makes the total rate a straight line.
    """
    recorded = _recorded(folder() / f"servegen_{name}_clients.csv.gz")
    total = np.array([one.rate.sum() for one in recorded])
    gap = total < GAP * np.median(total[total > 0.0])
    known = np.flatnonzero(~gap)
    windows = []
    for index, one in enumerate(recorded):
        if not gap[index]:
            windows.append(one)
            continue
        before, after = known[known < index].max(), known[known > index].min()
        weight = (index - before) / (after - before)
        windows.append(recorded[before].scaled(1.0 - weight).beside(recorded[after].scaled(weight)))
    factor = mean / float(np.mean([one.rate.sum() for one in windows]))
    return [one.scaled(factor) for one in windows]


def _recorded(path: Path) -> list[Window]:
    rows: dict[int, list[tuple[float, float, bool]]] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            rate = float(row["rate"])
            most = max(math.sqrt(rate * WINDOW / CLUSTERS), 1.0)
            cv = min(max(float(row["cv"]), LEAST), most)
            one = (rate, cv, row["dist"] == "Weibull")
            rows.setdefault(int(row["t"]) // WINDOW, []).append(one)
    empty: list[tuple[float, float, bool]] = []
    return [
        Window(
            np.array([rate for rate, _, _ in of], np.float64),
            np.array([cv for _, cv, _ in of], np.float64),
            np.array([weibull for _, _, weibull in of], np.bool_),
        )
        for of in (rows.get(index, empty) for index in range(max(rows) + 1))
    ]


def arrivals(windows: list[Window], seed: int) -> IntArray:
    """Requests of each second, drawn anew: every client is a renewal process in each window.

    Rates are steps, as ServeGen's own generator has them. The number of a client's requests is
    its rate; the times between them are its Gamma or Weibull draws, made to fill the window, and
    start at any point of it: so a bursty client has bursts, and none begins at the window's edge.
    """
    draw = np.random.default_rng([seed, len(windows)])
    return np.concatenate([_drawn(draw, one) for one in windows])


def _drawn(draw: np.random.Generator, window: Window) -> IntArray:
    clients = len(window.rate)
    count = np.floor(window.rate * WINDOW + draw.random(clients)).astype(np.int64)
    present = np.flatnonzero(count)
    owner = np.repeat(np.arange(len(present)), count[present])
    shape, weibull = window.shape[present][owner], window.weibull[present][owner]
    gap = np.empty(len(owner))
    gap[weibull] = draw.weibull(shape[weibull])
    gap[~weibull] = draw.standard_gamma(shape[~weibull])
    gap = np.maximum(gap, np.finfo(np.float64).tiny)
    first = np.concatenate([[0], np.cumsum(count[present])[:-1]])
    share = gap / np.add.reduceat(gap, first)[owner]
    place = np.cumsum(share) - owner + draw.random(len(present))[owner]
    second = np.floor(place % 1.0 * WINDOW).astype(np.int64)
    return np.bincount(np.minimum(second, WINDOW - 1), minlength=WINDOW)


def azure() -> IntArray:
    """Requests of each second of the Azure conversation trace, as they were recorded."""
    instants = np.fromiter(_instants(folder() / "AzureLLMInferenceTrace_conv.csv.gz"), np.float64)
    second = np.floor(instants - instants.min()).astype(np.int64)
    return np.bincount(second)


def _instants(path: Path) -> Iterator[float]:
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            yield datetime.fromisoformat(row["TIMESTAMP"][:26] + "+00:00").timestamp()
