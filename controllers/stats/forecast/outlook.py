"""How high demand may rise within the time that a new replica takes to start."""

import math
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import DAY, HOUR, STRIDE, from_log, known
from controllers.stats.forecast.conformal import LEAST, ranks
from controllers.stats.forecast.daily import Fit
from controllers.stats.forecast.gate import REFRESH, record
from controllers.stats.forecast.inputs import (
    TAIL,
    Timed,
    growth_features,
    latest,
    spread_features,
)
from controllers.stats.forecast.models import ceiling, models, track

LONGEST = 60
"""Minutes that a forecast may reach ahead."""

_LOOKS_BACK = 36
"""Looks that today's answer depends on: a week's bounds, each of a model chosen by its day."""
_MEDIAN = 0.5


@dataclass(frozen=True, eq=False)
class Bounds:
    """The upper half of a model's residuals, from which any bound is found."""

    residuals: FloatArray
    """Ascending, on the log scale and divided by the model's scale."""
    weights: FloatArray
    """Summed in that order, those of the lower half included."""
    coming: float
    """The weight of the residual to come."""

    def residual(self, level: float) -> float:
        """The residual at a level of 0.5 and more."""
        return float(self.residuals[ranks(self.weights, self.coming, np.array([level]))[0]])


@dataclass(frozen=True, eq=False)
class Outlook:
    """The highest demand (requests/s) of the next ``horizon`` minutes, and how far to trust it."""

    horizon: int
    model: str
    skill: float
    """The share of the plain forecast's loss that the model saved in the last day."""
    coverage95: float
    """The share of the last week in which the bound at 0.95 held; NaN if not known."""
    width95: float
    """How much those bounds exceeded what came, in sum, as a share of it; NaN if not known."""
    samples: int
    """Minutes of forecasts that the bounds rest on."""
    why_not: str
    """Why the outlook is not to be trusted; empty if it is."""

    centre: float
    scale: float
    ceiling: float
    bounds: Bounds

    @property
    def trusted(self) -> bool:
        """Whether there are bounds."""
        return not self.why_not

    @property
    def point(self) -> float:
        """The median of the highest demand; NaN unless trusted."""
        return self.upper(_MEDIAN)

    def upper(self, level: float) -> float:
        """What that demand stays at or below with probability ``level``; NaN unless trusted."""
        if not _MEDIAN <= level < 1.0:
            raise ValueError(f"level is {level}, it must be 0.5 or more and below 1")
        if not self.trusted:
            return math.nan
        log = self.centre + self.bounds.residual(level) * self.scale
        return float(from_log(np.minimum(log, self.ceiling)))


@dataclass(frozen=True, eq=False)
class Basis:
    """What outlooks rest on that changes only every few hours; the rest is the last day's."""

    horizon: int
    made: int
    """The minute of the last bin it is made of."""
    due: int
    """The minute from which on another one would say more."""
    until: int
    """The first minute that it does not serve, an hour later: many are due at once."""
    place: int
    """Of the model in use among all models."""
    skill: float
    coverage95: float
    width95: float
    samples: int
    growth: Fit
    spread: Fit
    far: Timed
    """Of the minutes served."""
    bounds: Bounds

    def serves(self, minute: int) -> bool:
        """Whether there can be an outlook at the end of that minute's bin."""
        return self.made <= minute < self.until

    def outlook(self, rates: FloatArray, start: int) -> Outlook:
        """The outlook at the end of a history that goes on from the one it was made of.

        ``rates`` as for ``basis``, of which the last day is read; costs about half a millisecond.
        """
        last = start + len(rates) - 1
        if not self.serves(last):
            raise ValueError(
                f"the last bin is of minute {last}, this basis serves {self.made} to {self.until}"
            )
        at = last - self.made
        far = Timed(*(row[at : at + 1] for row in self.far))
        tail = known(rates[-TAIL:])
        near = latest(tail, self.horizon)
        model = models(
            near,
            far,
            self.growth.predict(growth_features(near, far)),
            self.spread.predict(spread_features(near, far)),
        )[self.place]
        highest = np.fmax.reduce(tail[len(tail) - at :], initial=far.highest[0])
        centre = float(model.centre[0])
        return Outlook(
            horizon=self.horizon,
            model=model.name,
            skill=self.skill,
            coverage95=self.coverage95,
            width95=self.width95,
            samples=self.samples,
            why_not=_why_not(centre, self.samples),
            centre=centre,
            scale=float(model.scale[0]),
            ceiling=float(ceiling(highest)),
            bounds=self.bounds,
        )


def basis(rates: FloatArray, start: int, horizon: int) -> Basis:
    """What outlooks from the end of a history on rest on, for up to six hours; costs 15 ms.

    ``rates`` are requests/s in one-minute bins, oldest first, NaN where not known; two weeks are
    enough. ``start`` is the first bin's minute since the unix epoch (UTC). The forecasts are of the
    maximum of the next ``horizon`` bins, the one that has just begun included. Every number in them
    comes from bins that were over when it was made.
    """
    check(rates, horizon)
    made = start + len(rates) - 1
    look = made // REFRESH
    due = (look + 1) * REFRESH
    ahead = np.full(due + HOUR - 1 - made, np.nan)
    one, learned = track(np.concatenate([rates, ahead]), start, horizon)
    seen = record(one, since=look - _LOOKS_BACK)
    now, today = look - seen.first, made // DAY - start // DAY
    errors = seen.errors[seen.chosen[now]]
    sums, counts, coming = errors.upto(np.array([look * REFRESH]))
    return Basis(
        horizon=horizon,
        made=made,
        due=due,
        until=due + HOUR,
        place=int(seen.chosen[now]),
        skill=float(seen.skill[now]),
        coverage95=float(seen.coverage[now]),
        width95=float(seen.width[now]),
        samples=int(counts[0]) * STRIDE,
        growth=learned.growth[today],
        spread=learned.spread[today],
        far=Timed(*(row[len(rates) - 1 :].copy() for row in learned.far)),
        bounds=_upper_half(errors.values, sums[0], float(coming[0])),
    )


def outlook(rates: FloatArray, start: int, horizon: int) -> Outlook:
    """The outlook at the end of a history; arguments as for ``basis``."""
    return basis(rates, start, horizon).outlook(rates, start)


def check(rates: FloatArray, horizon: int) -> None:
    """Refuses what there can be no outlook of."""
    if len(rates) == 0:
        raise ValueError("rates is empty: an outlook needs at least one minute")
    if not 1 <= horizon <= LONGEST:
        raise ValueError(f"horizon is {horizon}, it must be 1 to {LONGEST} minutes")


def _upper_half(values: FloatArray, sums: FloatArray, coming: float) -> Bounds:
    counts = np.diff(sums, prepend=0.0) > 0.0
    values, sums = values[counts], sums[counts]
    first = int(ranks(sums, coming, np.array([_MEDIAN]))[0]) if len(sums) else 0
    return Bounds(values[first:].copy(), sums[first:].copy(), coming)


def _why_not(centre: float, samples: int) -> str:
    if not math.isfinite(centre):
        return "demand is not known for any of the last 3 minutes"
    if samples < LEAST * STRIDE:
        return f"{samples} minutes of forecasts could be judged, {LEAST * STRIDE} are needed"
    return ""
