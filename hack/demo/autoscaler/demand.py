"""The demand: a peak at the same minute of every hour, played by a load and written as history."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from hack.cluster.rate import Points

HOUR, DAY = 3600.0, 86400.0
STEP = 30.0
"""Seconds between two samples of the history, which lie on full minutes."""
_FINE = 5.0
_SPREAD, _UNREST, _DAILY = 0.04, 0.04, 0.15
"""How much whole days differ, single minutes, and day and night, as shares."""


@dataclass(frozen=True)
class Peak:
    """Requests a second: ``base``, and once an hour for a while ``top``; times in seconds."""

    base: float
    top: float
    rise: float
    lasts: float
    fall: float

    @property
    def length(self) -> float:
        """From its first request more to its last one."""
        return self.rise + self.lasts + self.fall

    def rate(self, seconds: FloatArray) -> FloatArray:
        """The demand so many seconds after one of the peaks began; before it, if negative."""
        corners = [0.0, self.rise, self.rise + self.lasts, self.length, HOUR]
        share = np.interp(np.mod(seconds, HOUR), corners, [0.0, 1.0, 1.0, 0.0, 0.0])
        return np.asarray(self.base + (self.top - self.base) * share, dtype=np.float64)

    def points(self, begins: float) -> Points:
        """One peak that begins so many seconds after the load does."""
        corners = [(0.0, self.base), (0.0, self.base), (self.rise, self.top)]
        corners += [(self.rise + self.lasts, self.top), (self.length, self.base)]
        return [(0.0, self.base), *((begins + at, rate) for at, rate in corners[1:])]


def history(
    peak: Peak, begins: float, until: float, days: int, service: float, seed: int = 1
) -> tuple[float, Mapping[str, list[float]]]:
    """Days of that demand as Envoy would have counted it: the first sample's time, and the values.

    ``begins`` is when one of the peaks begins, ``until`` when the history ends, in unix seconds;
    ``service`` is how long a request takes, in seconds. The values, by the name of the metric: what
    was answered so far, what was in flight, what had no connection yet, every ``STEP`` seconds.
    """
    last = np.floor(until / STEP) * STEP
    count = round(days * DAY / STEP)
    start = float(last - (count - 1) * STEP)
    each = round(STEP / _FINE)
    middles = start + _FINE * (np.arange(-each, (count - 1) * each, dtype=np.float64) + 0.5)
    rates = peak.rate(middles - begins) * _unrest(middles - begins, seed)
    lucky = np.random.default_rng(seed + 1)
    answered = np.cumsum(lucky.poisson(rates.reshape(count, each).mean(axis=1) * STEP))
    flying = lucky.poisson(rates[each - 1 :: each] * service)
    return start, {
        "envoy_cluster_upstream_rq_completed": answered.astype(float).tolist(),
        "envoy_cluster_upstream_rq_active": flying.astype(float).tolist(),
        "envoy_cluster_upstream_rq_pending_active": [0.0] * count,
    }


def _unrest(seconds: FloatArray, seed: int) -> FloatArray:
    """By which factor the demand differs from the same on every day."""
    lucky = np.random.default_rng(seed)
    days = np.floor(seconds / DAY + 0.5).astype(np.int64)
    minutes = np.floor(seconds / 60.0).astype(np.int64)
    of_day = np.exp(lucky.normal(0.0, _SPREAD, int(np.ptp(days)) + 1))[days - days.min()]
    of_minute = np.exp(lucky.normal(0.0, _UNREST, int(np.ptp(minutes)) + 1))
    daily = 1.0 + _DAILY * np.sin(2.0 * np.pi * seconds / DAY)
    return np.asarray(daily * of_day * of_minute[minutes - minutes.min()], dtype=np.float64)
