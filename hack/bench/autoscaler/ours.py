"""The autoscaler of this project, on the same code that runs on a cluster."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import SloStatus
from controllers.inferenceautoscaler import asks, level
from controllers.inferenceautoscaler.choose import Limits, Memory, choose, remember
from controllers.inferenceautoscaler.promise import carry
from controllers.inferenceautoscaler.report import attained
from controllers.inferenceautoscaler.signals import COMPLETE
from controllers.inferenceautoscaler.startup import PATIENCE
from controllers.readings import FloatArray
from controllers.stats.forecast import outlooks
from hack.bench.autoscaler.arrays import IntArray
from hack.bench.autoscaler.coverage import MINUTE, horizon, slow_start
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting

LEVELS = np.append(np.arange(0.8, 0.945, 0.01), (0.945, 0.95))
"""The probabilities for which bounds are made; between two of them a straight line is taken."""
RAN = 1440
"""Minutes of history without which no forecast is made at all."""


@dataclass
class _Lane:
    """One deployment's autoscaler."""

    replica: asks.Replica
    limits: Limits
    spec: InferenceAutoscalerSpec
    lead: float
    bounds: FloatArray
    """(two horizons, levels, minutes) requests per second."""
    memory: Memory = field(default_factory=Memory)
    caution: level.Caution = field(default_factory=lambda: level.Caution(level.HIGHEST))
    slo: SloStatus = field(default_factory=SloStatus)
    starved: float = 0.0
    before: int = 0
    limited: str = ""

    def decide(
        self, now: int, load: asks.Load, current: int, met: float | None, *, known: bool
    ) -> int:
        """The replicas for now; the same steps as ``controllers.inferenceautoscaler.scale``."""
        spec = self.spec
        judged = None if self.limited == "Maximum" else met
        self.caution = level.follow(self.caution, judged, spec.slo.objective, SCRAPE)
        self.slo = attained(self.slo, met, spec.slo, SCRAPE)
        starving = load.starting and load.ready <= self.before
        self.starved, self.before = self.starved + SCRAPE if starving else 0.0, load.ready
        load = replace(
            load,
            upper=self._upper(0, now),
            later=self._upper(1, now),
            reserve=self.caution.reserve,
            missed=self.slo.missed_for,
        )
        asked, ahead = asks.asks(load, self.replica)
        wanted = max((one.replicas for one in asked), default=current)
        if not known:
            self.memory = remember(self.memory, now, current, self.limits.hold)
        limits = replace(self.limits, may_rise=self.starved <= PATIENCE * self.lead, may_fall=known)
        choice = choose(now, current, wanted, ahead, limits, self.memory)
        self.memory, self.limited = choice.memory, choice.limited_by
        return choice.replicas

    def _upper(self, which: int, now: int) -> float | None:
        """The bound for the horizon at the level in use, by the newest minute that is over."""
        minute = now // MINUTE - 1
        bound = float(np.interp(self.caution.quantile, LEVELS, self.bounds[which, :, minute]))
        return bound if math.isfinite(bound) else None


class Ours:
    """One autoscaler for each lane; its setting is the objective, everything else as it comes."""

    every = SCRAPE

    def __init__(self, lanes: Sequence[Lane], setting: Setting) -> None:
        counts = setting.counts
        minutes = counts.shape[1] // MINUTE
        bins = counts[:, : minutes * MINUTE].reshape(len(counts), -1, MINUTE).mean(axis=2)
        known: dict[tuple[int, float], FloatArray] = {}
        for lane in lanes:
            key = (lane.seed, lane.startup)
            if key not in known:
                ahead = horizon(lane.startup)
                known[key] = (
                    outlooks(bins[lane.seed], 0, (ahead, 2 * ahead), tuple(LEVELS)).upper
                    if minutes >= RAN
                    else np.full((2, len(LEVELS), minutes), np.nan)
                )
        self._lanes = [_made(lane, setting, known[lane.seed, lane.startup]) for lane in lanes]

    def decide(self, seen: Seen) -> IntArray:
        """How many replicas each lane shall have."""
        demand, lately = seen.rate(60), seen.rate(30)
        backlog, in_flight, met = seen.backlog, seen.concurrency, seen.met
        ready, starting, current, failed = seen.ready, seen.starting, seen.desired, seen.failed
        complete = ~failed & (seen.reporting >= COMPLETE)
        counted = np.isfinite(demand) & np.isfinite(backlog) & np.isfinite(in_flight)
        known = complete & counted
        wanted = np.empty(len(self._lanes), np.int64)
        for i, lane in enumerate(self._lanes):

            def value(of: FloatArray, i: int = i) -> float | None:
                return None if failed[i] or not math.isfinite(of[i]) else float(of[i])

            load = asks.Load(
                ready=int(ready[i]),
                starting=int(starting[i]),
                demand=value(demand),
                lately=value(lately),
                backlog=value(backlog),
                in_flight=value(in_flight),
            )
            wanted[i] = lane.decide(
                seen.now, load, int(current[i]), value(met), known=bool(known[i])
            )
        return wanted


def _made(lane: Lane, setting: Setting, bounds: FloatArray) -> _Lane:
    service = setting.service
    spec = InferenceAutoscalerSpec.model_validate(
        {
            "targetRef": {"name": "bench"},
            "maxReplicas": setting.most,
            "slo": {"objective": f"{lane.setting:g}", "wait": f"{service.allowed}s"},
            "signals": [{"name": "demand", "role": "Demand", "query": "demand"}],
            "capacity": {
                "requestsPerSecond": f"{service.rate:g}",
                "concurrency": service.slots,
            },
        }
    )
    lead = slow_start(lane.startup) + 2.0 * spec.analysis.interval
    up, down = spec.scale_up, spec.scale_down
    limits = Limits(
        least=spec.min_replicas,
        most=spec.max_replicas,
        hold=max(down.hold, lead),
        tolerance=down.tolerance,
        up_share=up.percent / 100.0,
        up_replicas=up.replicas,
        up_period=up.period,
        down_share=down.percent / 100.0,
        down_period=down.period,
    )
    replica = asks.Replica(service.rate, service.slots, carry(spec, service.rate), spec.slo.wait)
    return _Lane(replica, limits, spec, lead, bounds)
