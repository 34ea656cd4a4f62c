"""What a back-test models is what the benchmark's simulator finds, request by request in order."""

import numpy as np
import pytest

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.world import Lane, Setting, World
from operators.backtest.inferenceautoscaler.modelled import Side
from operators.backtest.inferenceautoscaler.supply import Supply

SERVICE = Service(slots=32, seconds=4, allowed=2)
SPEC = InferenceAutoscalerSpec.model_validate(
    {
        "targetRef": {"name": "llm"},
        "maxReplicas": 40,
        "slo": {"wait": "2s"},
        "signals": [{"name": "demand", "role": "Demand", "preset": "Istio"}],
        "capacity": {"requestsPerSecond": "8", "concurrency": 32},
    }
)
FEW, MANY, CHANGE, ASKED, STARTS, END = 8, 16, 600, 660, 180.0, 2400
"""Replicas before and after; seconds: of the step of demand, of the request, to get ready."""


@pytest.mark.parametrize("high", [60, 80, 100, 115])
def test_the_share_that_waits_too_long_is_that_of_requests_in_order(high: int) -> None:
    second = np.arange(END)
    rate = np.where(second < CHANGE, 50, high)
    counts = np.random.default_rng(high).poisson(rate)
    world = World(Setting(SERVICE, counts[None, :], 0, MANY), [Lane("", 0.6, STARTS, 0)])
    late = begun = 0
    for now in second:
        world.ready[:] = FEW if now < ASKED + STARTS else MANY
        world.step()
        late += int(world._late[now % 60][0])
        begun += int(world._begun[now % 60][0])

    side = Side(Supply("llm", [STARTS], FEW, 0.0), SPEC, 8.0)
    modelled = 0.0
    for at in range(15, END + 1, 15):
        demand = float(counts[at - 15 : at].mean())
        side.flow(at - 15, at, demand)
        modelled += side.late * demand * 15
        if at == ASKED:
            side.supply.scale(at, MANY)
    assert modelled / counts.sum() == pytest.approx(late / begun, abs=0.01)
    assert side.queue.waiting == pytest.approx(float(world.queue[0]), abs=20)
