"""The presets on real counters of Envoy and of vLLM's names, and signals that cannot be read."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.api.inferenceautoscaler.status import Health
from tests.cluster.autoscaler_scene import DEMAND, EACH, QUEUE, ScalingScene

pytestmark = pytest.mark.cluster

RATE = 1.5 * EACH
FLIGHT = {"name": "in-flight", "role": "Concurrency", "preset": "Vllm"}
GUARD = {"name": "kv-cache", "role": "Guard", "preset": "Vllm", "max": "0.2"}
LATE = {"name": "latency", "role": "Latency", "limit": "1s"}
WANTED = {"name": "wanted", "role": "Activation"}
# In Prometheus here the counters of Envoy have Istio's names too: see docs/cluster.md.
ISTIO: list[Mapping[str, Any]] = [
    {**DEMAND, "preset": "Istio"},
    {**LATE, "preset": "Istio"},
    {**WANTED, "preset": "Istio"},
    QUEUE,
    FLIGHT,
    GUARD,
]
ENVOY: list[Mapping[str, Any]] = [
    DEMAND,
    {**LATE, "preset": "Envoy"},
    {**WANTED, "preset": "Envoy"},
    {**QUEUE, "preset": "Envoy"},
    {**FLIGHT, "preset": "Envoy"},
]


def values(scene: ScalingScene) -> dict[str, float]:
    """What each signal that can be relied on says."""
    return {
        one.name: one.value
        for one in scene.status().signals
        if one.health is Health.OK and one.value is not None
    }


def test_every_preset_reads_what_was_sent_and_a_guard_keeps_what_it_is_to_keep(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.operate()
    scene.serve(replicas=4)
    scene.load(RATE)
    for signals in (ISTIO, ENVOY):
        scene.create(signals=signals)

        def read(signals: list[Mapping[str, Any]] = signals) -> bool:
            found = values(scene)
            all_there = set(found) == {one["name"] for one in signals}
            return all_there and all(
                abs(found[name] - RATE) < 0.1 * RATE for name in ("demand", "wanted")
            )

        scene.until(read, 40, "every signal has its value, and requests are what was sent")
        assert values(scene)["latency"] == 1.0
        # By Little's law 3 requests are under way at a time; which is more than 0.2 of the slots.
        assert 0 <= values(scene)["in-flight"] <= 8
        if signals is ISTIO:
            held = scene.until_says("DecreaseHeld", "True")
            assert "kv-cache is " in held
            assert held.endswith(", above 0.2")
            assert scene.replicas() >= 4
    scene.until_replicas(2, 3)
    assert scene.status().slo.attained is not None
    assert scene.says("SloAtRisk")[:2] == ("False", "Met")


def test_a_query_that_does_not_parse_and_a_limit_that_is_no_edge_are_said_with_the_fix(
    scaling: ScalingScene,
) -> None:
    scene = scaling
    scene.operate()
    scene.serve()
    scene.load(RATE)
    scene.create(signals=[{"name": "demand", "role": "Demand", "query": "sum(rate(x[1m])"}])
    message = scene.until_says("Accepted", "False", "InvalidQuery")
    assert message.startswith("spec.signals[demand].query: ")
    assert "unclosed left parenthesis" in message
    late = {**LATE, "preset": "Envoy", "limit": "1100ms"}
    scene.change(signals=[DEMAND, late])
    scene.until_says("Accepted", "True")
    scene.until(lambda: "edge" in scene.says("MetricsAvailable")[2], 20, "the edge is missed")
    message = scene.says("MetricsAvailable")[2]
    assert "limit 1s100ms is no edge of the histogram; there are " in message
    assert "500ms, 1s, 2s500ms" in message
