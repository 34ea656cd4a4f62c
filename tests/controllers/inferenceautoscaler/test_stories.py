"""An autoscaler played in a small world, told as prose, compared with what was reviewed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from controllers.api.inferenceautoscaler.status import RevisionCapacity
from controllers.inferenceautoscaler.seen import Share
from tests.controllers.inferenceautoscaler.specs import (
    IN_FLIGHT,
    LATENCY,
    SPEC,
    ZERO,
    spec,
    steps,
    world,
)
from tests.controllers.inferenceautoscaler.world import Outlook, World

GOLDEN = Path(__file__).parents[2] / "golden" / "inferenceautoscaler"
LEARN = {
    "capacity": {"concurrency": 2},
    "signals": [*SPEC["signals"], IN_FLIGHT, LATENCY],
}


def spike() -> World:
    return world(demand=steps((0, 5), (300, 40), (900, 5))).run(1500)


def slow_ramp() -> World:
    return world(demand=lambda s: 5 + 40 * min(max(s - 100, 0) / 1200, 1)).run(1600)


def ramp_that_was_forecast() -> World:
    def rate(second: int) -> float:
        return 5 + 40 * min(max(second - 100, 0) / 600, 1)

    auto = {"forecast": {"mode": "Auto"}}
    return world(auto, demand=rate, forecast=lambda s: Outlook(rate(s + 40))).run(1000)


def drop() -> World:
    return world(demand=steps((0, 45), (300, 5)), replicas=12).run(900)


def prometheus_away_under_load() -> World:
    w = world(demand=steps((0, 30)), replicas=9)
    w.prometheus = lambda second: not 200 <= second < 500
    return w.run(900)


def prometheus_away_while_demand_drops() -> World:
    w = world(demand=steps((0, 30), (250, 5)), replicas=9)
    w.prometheus = lambda second: not 200 <= second < 500
    return w.run(900)


def zeros_after_a_restart_of_prometheus() -> World:
    w = world(demand=steps((0, 30)), replicas=9).run(300)
    w.prometheus = lambda second: not 300 <= second < 330
    w.run(30)
    w.forget()
    return w.run(300)


def half_of_the_gateways_not_scraped() -> World:
    w = world(demand=steps((0, 30)), replicas=9)
    w.scraped = lambda instance, second: instance != "gateway-1" or not 200 <= second < 300
    return w.run(500)


def half_of_the_pods_not_scraped() -> World:
    flight = {**IN_FLIGHT, "preset": "Vllm"}
    w = world({"signals": [flight]}, demand=steps((0, 30)), replicas=9).run(300)
    names = {one.name for one in w.pods[::2]}
    w.scraped = lambda instance, second: instance not in names or second >= 900
    return w.run(900)


def hpa_appears() -> World:
    w = world(demand=steps((0, 30)), replicas=8).run(120)
    w.owner = "HorizontalPodAutoscaler llm"
    w.wake()
    w.run(60)
    w.set(4, "kube-controller-manager")
    w.run(120)
    w.owner = ""
    w.wake()
    return w.run(200)


def older_autoscaler_of_the_same_target() -> World:
    w = world(demand=steps((0, 30)), holder="first").run(60)
    w.holder = ""
    w.wake()
    return w.run(120)


def replicas_reset_again_and_again() -> World:
    w = world(demand=steps((0, 30), (400, 5)), replicas=8).run(60)
    for _ in range(4):
        w.run(60)
        w.set(5, "argocd-controller")
    return w.run(1200)


def reset_within_the_second_of_our_write() -> World:
    class Reset(World):
        def _changed(self) -> None:
            super()._changed()
            assert self.target is not None
            if self.target.writer == "modelyard" and self.second < 60:
                self.set(3, "kserve-controller")

    return Reset(spec(), demand=steps((0, 30)), replicas=3).run(300)


def raised_by_hand() -> World:
    w = world(demand=steps((0, 10)), replicas=4).run(200)
    w.set(9, "kubectl-scale")
    return w.run(300)


def lowered_by_hand() -> World:
    w = world(demand=steps((0, 30)), replicas=9).run(200)
    w.set(5, "kubectl-scale")
    return w.run(300)


def target_deleted_and_made_again() -> World:
    w = world(demand=steps((0, 30)), replicas=9).run(203)
    w.delete_target()
    w.run(60)
    w.recreate(3)
    w.run(300)
    w.recreate(12)
    return w.run(300)


def pods_never_ready() -> World:
    w = world(demand=steps((0, 5), (100, 40)), startup=lambda s: None if s < 700 else 30)
    w.run(700)
    w.pods = [one for one in w.pods if one.ready_at is not None]
    return w.run(300)


def no_gpus_left() -> World:
    w = world(demand=steps((0, 5), (100, 40)), room=5).run(500)
    w.room = 100
    return w.run(300)


def maximum_lowered_under_load() -> World:
    w = world(demand=steps((0, 45)), replicas=12).run(200)
    w.edit(maxReplicas=6)
    return w.run(200)


def minimum_raised() -> World:
    w = world(demand=steps((0, 5))).run(200)
    w.edit(minReplicas=12)
    return w.run(100)


def to_zero_and_back() -> World:
    w = world(ZERO, demand=steps((0, 5), (200, 0), (900, 8), (1200, 0)))
    return w.run(2000)


def zero_in_spite_of_a_cautious_forecast() -> World:
    auto = {**ZERO, "forecast": {"mode": "Auto"}}
    w = world(auto, demand=steps((0, 5), (200, 0)), forecast=lambda _: Outlook(0.006))
    return w.run(900)


def woken_before_what_was_forecast() -> World:
    auto = {**ZERO, "forecast": {"mode": "Auto"}}
    w = world(auto, demand=steps((0, 0), (900, 8)), replicas=0)
    w.forecast = lambda s: Outlook(8.0 if s >= 860 else 0.0)
    return w.run(1000)


def woken_because_activation_is_not_known() -> World:
    w = world(ZERO, demand=steps((0, 0)), replicas=0).run(100)
    w.scraped = lambda instance, second: instance != "gateway-0" or second >= 400
    return w.run(700)


def fallback() -> World:
    kept = {"fallback": {"replicas": 6, "after": "60s"}}
    w = world(kept, demand=steps((0, 5)))
    w.prometheus = lambda second: not 200 <= second < 400
    return w.run(800)


def fallback_where_only_the_demand_is_missing() -> World:
    own = {"name": "demand", "role": "Demand", "query": "waiting"}
    kept = {
        "fallback": {"replicas": 6, "after": "60s"},
        "signals": [own, {**IN_FLIGHT, "preset": "Vllm"}],
        "capacity": {"requestsPerSecond": "5"},
    }
    w = world(kept, demand=steps((0, 5)))
    w.scraped = lambda instance, second: instance != "gateway-0" or second < 200
    return w.run(400)


def guard_above_its_maximum() -> World:
    guard = {"name": "kv", "role": "Guard", "preset": "Vllm", "max": "0.05"}
    w = world({"signals": [*SPEC["signals"], guard]}, demand=steps((0, 5)), replicas=6).run(300)
    w.edit(signals=[*SPEC["signals"], {**guard, "max": "0.9"}])
    return w.run(200)


def schedule_when_clocks_go_forward() -> World:
    # In Europe/Paris 02:30 does not exist on 28 March 2027: the minimum holds from 03:00 on.
    night = {
        "name": "night",
        "cron": "30 2 * * *",
        "timeZone": "Europe/Paris",
        "duration": "10m",
        "minReplicas": 7,
    }
    # A clock that starts at 00:50 UTC, ten minutes before it goes forward at 01:00 UTC.
    w = world({"schedule": [night]}, demand=steps((0, 5)), now=1806195000 - 1806195000 % 5)
    return w.run(2400)


def schedule_of_working_hours() -> World:
    # The world begins on a Friday at 08:00 UTC.
    hours = {"name": "hours", "cron": "10 8 * * 1-5", "duration": "10m", "minReplicas": 7}
    return world({"schedule": [hours]}, demand=steps((0, 5))).run(1800)


def canary_keeps_the_floor() -> World:
    w = world(demand=steps((0, 40)), replicas=12).run(100)
    w.share = Share("fraud", 3, running=True, stable=True, weight=0.9)
    w.demand = steps((0, 10))
    w.run(400)
    w.share = Share("fraud", 3, running=False, stable=True, weight=1.0)
    return w.run(200)


def route_split_by_weight() -> World:
    signals = [
        {"name": "demand", "role": "Demand", "preset": "Envoy", "scope": "Route"},
    ]
    w = world({"signals": signals}, demand=steps((0, 40)), replicas=2, rate=50.0)
    w.share = Share("fraud", 3, running=True, stable=False, weight=0.05)
    w.run(100)
    for weight in (0.25, 0.5, 1.0):
        w.share = Share("fraud", 3, running=True, stable=False, weight=weight)
        w.run(100)
    w.share = Share("fraud", 3, running=False, stable=False, weight=0.0)
    return w.run(300)


def advisory() -> World:
    w = world({"mode": "Advisory"}, demand=steps((0, 5), (200, 40))).run(400)
    w.edit(mode="Active")
    return w.run(100)


def suspended() -> World:
    w = world({"suspend": True}, demand=steps((0, 5), (200, 40))).run(400)
    w.edit(suspend=False)
    return w.run(100)


def deleted_above_zero() -> World:
    w = world(demand=steps((0, 30)), replicas=7).run(100)
    w.deleting = True
    w.wake()
    return w.run(10)


def deleted_at_zero() -> World:
    w = world(ZERO, demand=steps((0, 0))).run(800, lambda w: w.moves[-1:] != [] and w.ready == 0)
    w.run(30)
    w.deleting = True
    w.wake()
    return w.run(30)


def capacity_learned_from_concurrency_on() -> World:
    # Each rush finds too few replicas, and saturates them while others start.
    w = world(LEARN, demand=lambda s: 38.0 if s % 400 > 200 else 12.0, startup=lambda _: 60)
    return w.run(1600)


def revision_changes() -> World:
    w = world(LEARN, demand=steps((0, 20)), replicas=6)
    known = (RevisionCapacity(revision="a", low=4.0, high=5.0, error=0.1, samples=50, met=50),)
    w.status = w.status.model_copy(
        update={"capacity": w.status.capacity.model_copy(update={"revisions": known})}
    )
    w.recorded = w.status
    w.run(200)
    w.roll("b")
    return w.run(400)


def promise_is_missed_for_another_reason() -> World:
    w = world(
        {"signals": [*SPEC["signals"], LATENCY], "capacity": {"requestsPerSecond": "5"}},
        demand=steps((0, 20)),
        replicas=6,
    ).run(200)
    w.service = 3.0
    w.run(400)
    w.service = 0.4
    return w.run(300)


def demand_beyond_the_maximum() -> World:
    return world(demand=steps((0, 5), (100, 500))).run(300)


STORIES = (
    spike,
    slow_ramp,
    ramp_that_was_forecast,
    drop,
    prometheus_away_under_load,
    prometheus_away_while_demand_drops,
    zeros_after_a_restart_of_prometheus,
    half_of_the_gateways_not_scraped,
    half_of_the_pods_not_scraped,
    hpa_appears,
    older_autoscaler_of_the_same_target,
    replicas_reset_again_and_again,
    reset_within_the_second_of_our_write,
    raised_by_hand,
    lowered_by_hand,
    target_deleted_and_made_again,
    pods_never_ready,
    no_gpus_left,
    maximum_lowered_under_load,
    minimum_raised,
    to_zero_and_back,
    zero_in_spite_of_a_cautious_forecast,
    woken_before_what_was_forecast,
    woken_because_activation_is_not_known,
    fallback,
    fallback_where_only_the_demand_is_missing,
    guard_above_its_maximum,
    schedule_when_clocks_go_forward,
    schedule_of_working_hours,
    canary_keeps_the_floor,
    route_split_by_weight,
    advisory,
    suspended,
    deleted_above_zero,
    deleted_at_zero,
    capacity_learned_from_concurrency_on,
    revision_changes,
    promise_is_missed_for_another_reason,
    demand_beyond_the_maximum,
)


def told(w: World) -> str:
    """The story and how it ended."""
    status = w.status
    lines = [w.story(), ""]
    replicas = w.target.replicas if w.target else "no target"
    lines.append(f"replicas: {replicas}, ready {w.ready}, reversals {len(w.reversals())}")
    lines.append(f"requests that waited over a second: {100 * w.late / max(w.arrived, 1):.1f} %")
    lines.append(f"{status.reason}: {status.message}")
    lines += [
        f"{c.type}={c.status} {c.reason}" + (f": {c.message}" if c.message else "")
        for c in status.conditions
    ]
    lines.append("the object is gone" if w.gone else f"finalizer: {w.finalizer}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story_is_as_reviewed(
    story: Callable[[], World], golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{story.__name__}.txt", told(story()))
