"""Forecasts of the highest demand of the next minutes, at every minute of a history at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import DAY, known, to_log, trailing_mean
from controllers.stats.forecast.daily import Fit, fits, predict
from controllers.stats.forecast.inputs import (
    Recent,
    Timed,
    growth_features,
    growth_target,
    median_of_days,
    recent,
    spread_features,
    spread_target,
    timed,
)

LAST = "Last"

_FAR_BELOW = 0.1
_GROWTH = 1.5
"""Times the highest demand of the last week: what lies above it is for the present to show."""


@dataclass(frozen=True, eq=False)
class Model:
    """One model's forecasts, each known at the end of its bin."""

    name: str
    centre: FloatArray
    """log(1 + requests per minute) of the forecast; NaN where it has none."""
    scale: FloatArray
    """What residuals are divided by, so that those of all hours are of one kind."""


@dataclass(frozen=True, eq=False)
class Track:
    """What the models said at each minute about the next ``horizon`` bins, and what came."""

    start: int
    horizon: int
    came: FloatArray
    """log(1 + requests per minute) of the highest of those bins; NaN while not known, and where
    the forecast was made in an outage."""
    ceiling: FloatArray
    """log(1 + requests per minute) that no bound exceeds."""
    models: tuple[Model, ...]
    """``LAST`` first."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What the models of a track have learned from earlier days."""

    far: Timed
    growth: list[Fit]
    spread: list[Fit]
    """One of each day."""


def track(rates: FloatArray, start: int, horizon: int) -> tuple[Track, Learned]:
    """The forecasts of all models; each uses only bins up to the one it stands at."""
    rates = known(rates)
    near = recent(rates, horizon)
    came = np.where(_outage(rates), np.nan, near.came)
    grown = came - near.level
    far = timed(rates, came, grown)
    growth_from, spread_from = growth_features(near, far), spread_features(near, far)
    growth = fits(growth_from, growth_target(grown), start, horizon)
    spread = fits(spread_from, spread_target(grown), start, horizon)
    said = models(
        near, far, predict(growth, growth_from, start), predict(spread, spread_from, start)
    )
    learned = Learned(far, growth, spread)
    return Track(start, horizon, came, ceiling(far.highest), said), learned


def models(near: Recent, far: Timed, growth: FloatArray, spread: FloatArray) -> tuple[Model, ...]:
    """All models, from the growth and the log of its size that the regressions expect.

    Last is the mean of three minutes. Profile adds the growth at this time of day, Ridge what the
    regression expects; Mean is the mean of the three. The scale is the square root of the expected
    size: half of the way to it in log units, since an expectation of the spread that is wrong costs
    most in the far tail.
    """
    even, scale = np.ones_like(near.level), np.exp(0.5 * spread)
    profile = near.level + np.where(np.isfinite(far.growth), far.growth, 0.0)
    ridge = near.level + growth
    return (
        Model(LAST, near.level, even),
        Model("Profile", profile, even),
        Model("Ridge", ridge, scale),
        Model("Mean", (near.level + profile + ridge) / 3.0, scale),
    )


def ceiling(highest: FloatArray) -> FloatArray:
    """The log that no bound exceeds where ``highest`` (requests/s) is the highest of a week."""
    return to_log(_GROWTH * highest)


def _outage(rates: FloatArray) -> npt.NDArray[np.bool_]:
    """Where demand is far below both the last day's and that of this time of day.

    What follows is a recovery, which says nothing about how demand rises from its usual level; in
    the far tail it would otherwise be all there is for days.
    """
    now = trailing_mean(rates, 3)
    usual = np.minimum(trailing_mean(rates, DAY), median_of_days(now))
    return np.asarray(now < _FAR_BELOW * usual, dtype=np.bool_)
