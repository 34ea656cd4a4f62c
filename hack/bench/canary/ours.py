"""The judge of this project on simulated runs: the operator's own evidence, block by block."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from controllers.modelcanary.blocks import lag, settled
from controllers.modelcanary.judge import RESTART_SECONDS
from controllers.modelcanary.measure import over_edges
from controllers.readings import FloatArray
from controllers.stats.evidence import Block, Bounds, Evidence
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.simulate import BAD, CANDIDATE, GOOD, STABLE, BoolArray, Scraped

Series = list[Block | None]
"""The blocks of one count, tick by tick, for all runs at once; None where every run drops it."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """Per run, when each thing was known, in minutes from the start; inf: never."""

    rollback: dict[float, FloatArray]
    """By alpha: when the evidence against the release reached 1/alpha."""
    certified: dict[float, FloatArray]
    """By beta: when the evidence for the release reached 1/beta."""


def blocks(scraped: Scraped) -> Series:
    """The counts between consecutive instants, without those that the operator drops.

    While both arms lack a sample a block shows no request, and the first one after the gap all of
    them: the same sums that the operator takes in as one longer block.
    """
    grown = np.diff(scraped.grown(), axis=2)
    grown = np.where(_dropped(scraped), 0.0, grown)
    requests = grown[:, GOOD] + grown[:, BAD]
    return [
        Block(
            requests[STABLE, tick],
            grown[STABLE, BAD, tick],
            requests[CANDIDATE, tick],
            grown[CANDIDATE, BAD, tick],
        )
        if np.any(requests[:, tick])
        else None
        for tick in range(scraped.ramp.ticks)
    ]


def settling(ramp: Ramp) -> int:
    """How many blocks the operator drops, from the one in which the weight moves."""
    return math.ceil(settled(ramp.offset, ramp.analysis) / ramp.tick)


def _dropped(scraped: Scraped) -> BoolArray:
    """Whether a block begins before the last change of weight has settled: (ticks, runs)."""
    ticks = np.arange(scraped.ramp.ticks)
    seen = np.where(scraped.away, 0, np.arange(len(scraped.away))[:, None])
    since = np.maximum.accumulate(seen, axis=0)[:-1]
    changes = np.zeros(len(ticks), np.int64)
    changes[list(scraped.ramp.changes)] = scraped.ramp.changes
    settled = np.maximum.accumulate(changes) + settling(scraped.ramp)
    dropped: BoolArray = since < settled[:, None]
    return dropped


def judge(
    counts: list[tuple[Series, Bounds]],
    ramp: Ramp,
    runs: int,
    alphas: tuple[float, ...] = (0.05, 0.01),
    betas: tuple[float, ...] = (0.05,),
) -> Verdict:
    """The verdicts of one guardrail at every tick; the first count is the one it certifies."""
    rollback = {alpha: np.full(runs, math.inf) for alpha in alphas}
    certified = {beta: np.full(runs, math.inf) for beta in betas}
    for tick, held in _evidence(counts, ramp, runs):
        minutes = float(ramp.minutes(tick + 1, lag(ramp.analysis)))
        against = over_edges([one.rollback_log_e() for one in held])
        for alpha, when in rollback.items():
            when[np.isinf(when) & (against >= -math.log(alpha))] = minutes
        in_favour = held[0].certify_log_e()
        for beta, when in certified.items():
            when[np.isinf(when) & (in_favour >= -math.log(beta))] = minutes
    return Verdict(rollback, certified)


def _evidence(
    counts: list[tuple[Series, Bounds]], ramp: Ramp, runs: int
) -> Iterator[tuple[int, list[Evidence]]]:
    """The evidence after each block, restarted at each weight and every ten minutes of it."""
    held = [Evidence.begin(bounds, (runs,)) for _, bounds in counts]
    changes, judged = set(ramp.changes), 0.0
    for tick in range(ramp.ticks):
        if tick in changes:
            held, judged = [one.restart() for one in held], 0.0
        new = [series[tick] for series, _ in counts]
        added = [one.add(block) for one, block in zip(held, new, strict=True) if block is not None]
        if len(added) < len(held):
            continue
        held, judged = added, judged + ramp.tick
        yield tick, held
        if judged >= RESTART_SECONDS:
            held, judged = [one.restart() for one in held], 0.0
