"""Days of the past for every service, written into Prometheus before anything is measured."""

import time
from collections.abc import Callable

import numpy as np

from hack.bench.runtime.scalers.counters import ACTIVE, COMPLETED, PENDING, USUAL, named
from hack.cluster.cluster import Cluster

DAY = 86_400
STEP, SPARSE = 30, 240
"""Seconds between samples: of the counter, as a minute's rate needs two, and of the gauges, which
hold for five minutes."""


def backfill(cluster: Cluster, count: int, days: int, say: Callable[[str], None]) -> None:
    """The last ``days`` until a minute ago: demand with a daily course and chance.

    A day at a time, because a sample in memory takes many times what it takes on disk.
    """
    end = time.time() // 60 * 60 - 60
    chance = np.random.default_rng(2)
    so_far = np.zeros((count, 1), np.int64)
    for day in range(days):
        start = end - (days - day) * DAY
        at = start + np.arange(0, DAY, STEP)
        rate = USUAL * (1.0 + 0.4 * np.sin(2.0 * np.pi * at / DAY))
        came = so_far + np.cumsum(chance.poisson(rate * STEP, (count, len(at))), axis=1)
        so_far = came[:, -1:]
        cluster.backfill(
            {named(COMPLETED, number): came[number].tolist() for number in range(count)},
            start=start,
            step=STEP,
        )
        cluster.backfill(
            {
                named(metric, number): [value] * (DAY // SPARSE)
                for metric, value in ((ACTIVE, 1), (PENDING, 0))
                for number in range(count)
            },
            start=start,
            step=SPARSE,
        )
        say(f"day {day + 1} of {days} of the past is in Prometheus")
