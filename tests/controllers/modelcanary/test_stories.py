"""A canary played to its end in a small world, told as prose, compared with what was reviewed."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controllers.api.modelcanary import ABORT, APPROVE, RESUME, RETRY
from controllers.api.modelcanary.status import Phase
from tests.world import Server, World

GOLDEN = Path(__file__).parents[2] / "golden" / "modelcanary"

SPEC: dict[str, Any] = {
    "arms": [{"name": "blue", "host": "fraud-blue"}, {"name": "green", "host": "fraud-green"}],
    "routeRef": {"name": "fraud", "routes": ["primary"]},
    "release": {"arm": "green", "version": "8"},
    "steps": [
        {"weight": 5, "minDuration": "1m"},
        {"weight": 25, "minDuration": "1m"},
        {"weight": 50, "minDuration": "1m"},
    ],
    "guardrails": [{"name": "errors", "type": "ErrorRate", "preset": "Envoy"}],
    "analysis": {"interval": "5s", "scrapeInterval": "5s"},
}
LATENCY = {"name": "latency", "type": "Latency", "preset": "Envoy", "edge": "100ms"}
HOUR = 3600


def world(servers: dict[str, Server] | None = None, **changes: Any) -> World:
    """The world of the stories; fields of the spec may be replaced."""
    return World({**copy.deepcopy(SPEC), **changes}, servers=servers or {})


def phase(*wanted: Phase) -> Callable[[World], bool]:
    return lambda w: w.status.phase in wanted


def step(number: int) -> Callable[[World], bool]:
    return lambda w: w.status.step == number and w.share == w.spec["steps"][number - 1]["weight"]


def annotate(w: World, verb: str, words: str | None = None) -> None:
    w.annotations[verb] = words or w.status.at
    w.wake()


def release(w: World, arm: str, version: str) -> None:
    w.spec["release"] = {"arm": arm, "version": version}
    w.generation += 1
    w.wake()


def promotion() -> World:
    return world().run(HOUR, phase(Phase.PROMOTED)).run(60)


def next_release_on_the_other_arm() -> World:
    w = promotion()
    release(w, "blue", "9")
    w.run(30)
    return w.run(HOUR, phase(Phase.PROMOTED)).run(60)


def rolled_back_by_errors() -> World:
    w = world({"green": Server(errors=0.05)})
    return w.run(HOUR, phase(Phase.ROLLED_BACK)).run(600)


def rolled_back_by_latency() -> World:
    w = world({"green": Server(median_ms=80)}, guardrails=[*SPEC["guardrails"], LATENCY])
    return w.run(HOUR, phase(Phase.ROLLED_BACK))


def rolled_back_then_retried() -> World:
    w = rolled_back_by_errors()
    w.servers["green"] = Server()
    annotate(w, RETRY)
    w.run(30)
    return w.run(HOUR, phase(Phase.PROMOTED))


def paused_and_approved() -> World:
    w = world(steps=[{"weight": 5, "minDuration": "1m", "pause": {}}, {"weight": 50}])
    w.run(HOUR, phase(Phase.PAUSED)).run(300)
    annotate(w, APPROVE, "1/2")
    w.run(10)
    annotate(w, APPROVE)
    return w.run(HOUR, phase(Phase.PROMOTED))


def approved_in_git() -> World:
    w = world(steps=[{"weight": 5, "pause": {}}, {"weight": 50}], approve="8")
    return w.run(HOUR, phase(Phase.PROMOTED))


def fault_begins_in_a_pause() -> World:
    w = world(steps=[{"weight": 20, "pause": {}}, {"weight": 50}])
    w.run(HOUR, phase(Phase.PAUSED)).run(2 * HOUR)
    w.servers["green"] = Server(errors=0.05)
    return w.run(HOUR, phase(Phase.ROLLED_BACK))


def aborted() -> World:
    w = world().run(HOUR, step(2))
    annotate(w, ABORT)
    return w.run(60)


def prometheus_is_away() -> World:
    w = world()
    w.prometheus = lambda second: "down" if 100 <= second < 400 else "up"
    return w.run(HOUR, phase(Phase.PROMOTED))


def nothing_is_scraped() -> World:
    w = world()
    w.prometheus = lambda second: "blind" if 100 <= second < 400 else "up"
    return w.run(HOUR, phase(Phase.PROMOTED))


def no_traffic() -> World:
    w = world().run(HOUR, step(1))
    w.rps = 0.0
    w.run(600)
    w.rps = 50.0
    return w.run(HOUR, phase(Phase.PROMOTED))


def lowered_by_hand() -> World:
    w = world().run(HOUR, step(2)).run(20)
    w.edit(1)
    w.run(300)
    annotate(w, RESUME)
    return w.run(HOUR, phase(Phase.PROMOTED))


def raised_by_hand() -> World:
    w = world().run(HOUR, step(1)).run(20)
    for _ in range(4):
        w.edit(80)
        w.run(20)
    return w


def lowered_by_hand_at_rest() -> World:
    w = promotion()
    w.edit(0)
    w.run(60)
    release(w, "blue", "7")
    return w.run(60)


def deleted_in_a_run() -> World:
    w = world().run(HOUR, step(2)).run(10)
    w.deleting = True
    w.wake()
    return w.run(HOUR)


def deleted_while_prometheus_is_away() -> World:
    w = world().run(HOUR, step(2)).run(10)
    w.prometheus = lambda _: "down"
    w.deleting = True
    w.wake()
    return w.run(HOUR)


def deleted_at_rest() -> World:
    w = promotion()
    w.deleting = True
    w.wake()
    return w.run(10)


def inconclusive_and_approved() -> World:
    # Four bad answers in a thousand on both arms: certification takes ten minutes here.
    sick = {"blue": Server(errors=0.004), "green": Server(errors=0.004)}
    w = world(sick, deadline="5m").run(HOUR, phase(Phase.INCONCLUSIVE)).run(600)
    annotate(w, APPROVE)
    return w.run(HOUR, phase(Phase.PROMOTED))


def inconclusive_and_rolled_back() -> World:
    sick = {"blue": Server(errors=0.004), "green": Server(errors=0.004)}
    w = world(sick, deadline="5m", onInconclusive="Rollback")
    return w.run(HOUR, phase(Phase.ROLLED_BACK))


def release_changes_in_a_run() -> World:
    w = world().run(HOUR, step(2)).run(10)
    release(w, "green", "9")
    w.run(30)
    w.run(HOUR, step(2))
    release(w, "blue", "10")
    w.run(60)
    release(w, "blue", "7")
    return w.run(60)


def guardrail_changes_in_a_run() -> World:
    w = world().run(HOUR, step(2)).run(10)
    w.spec["guardrails"][0]["floor"] = "0.002"
    w.generation += 1
    w.wake()
    return w.run(HOUR, step(1))


def threshold_rolls_back() -> World:
    limit = {"name": "accuracy", "type": "Threshold", "query": "0.91", "min": "0.92"}
    fixed = {**limit, "effect": "Rollback", "for": "30s"}
    return world(guardrails=[*SPEC["guardrails"], fixed]).run(HOUR, phase(Phase.ROLLED_BACK))


def threshold_without_a_value_holds() -> World:
    limit = {"name": "accuracy", "type": "Threshold", "query": "no_such_metric", "min": "0.92"}
    fixed = {**limit, "effect": "Rollback", "for": "30s"}
    return world(guardrails=[*SPEC["guardrails"], fixed]).run(900)


def candidate_has_no_replica() -> World:
    w = world()
    w.ready = {"green": 0}
    w.run(120)
    w.ready = {"green": 2}
    w.wake()
    w.run(HOUR, step(2))
    w.ready = {"green": 0}
    return w.run(300)


def suspended() -> World:
    w = world().run(HOUR, step(1))
    w.spec["suspend"] = True
    w.generation += 1
    w.wake()
    w.run(600)
    w.spec["suspend"] = False
    w.generation += 1
    w.wake()
    return w.run(HOUR, phase(Phase.PROMOTED))


def route_is_taken() -> World:
    w = world()
    w.holder = "older"
    w.run(90)
    w.holder = None
    w.wake()
    return w.run(HOUR, step(1))


def traffic_is_shared_at_adoption() -> World:
    w = World(copy.deepcopy(SPEC), weights={"blue": 60, "green": 40})
    w.run(60)
    w.edit(0)
    return w.run(HOUR, step(1))


def wrong_edge() -> World:
    edge = {**LATENCY, "edge": "123ms"}
    return world(guardrails=[*SPEC["guardrails"], edge]).run(300)


def route_vanishes() -> World:
    w = world().run(HOUR, step(2))
    w.route = None
    w.wake()
    return w.run(60)


STORIES = (
    promotion,
    next_release_on_the_other_arm,
    rolled_back_by_errors,
    rolled_back_by_latency,
    rolled_back_then_retried,
    paused_and_approved,
    approved_in_git,
    fault_begins_in_a_pause,
    aborted,
    prometheus_is_away,
    nothing_is_scraped,
    no_traffic,
    lowered_by_hand,
    raised_by_hand,
    lowered_by_hand_at_rest,
    deleted_in_a_run,
    deleted_while_prometheus_is_away,
    deleted_at_rest,
    inconclusive_and_approved,
    inconclusive_and_rolled_back,
    release_changes_in_a_run,
    guardrail_changes_in_a_run,
    threshold_rolls_back,
    threshold_without_a_value_holds,
    candidate_has_no_replica,
    suspended,
    route_is_taken,
    traffic_is_shared_at_adoption,
    wrong_edge,
    route_vanishes,
)


def told(w: World) -> str:
    """The story and how it ended."""
    lines = [w.story(), ""]
    lines.append(f"weights: blue {w.live()['blue']}, green {w.live()['green']}")
    lines.append(f"phase: {w.status.phase.value} at {w.status.at}, verdict: {w.status.verdict}")
    lines.append(f"{w.status.reason}: {w.status.message}")
    lines += [f"{c.type}={c.status} {c.reason}" for c in w.status.conditions]
    lines.append("the object is gone" if w.gone else f"finalizer: {w.finalizer}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story_is_as_reviewed(
    story: Callable[[], World], golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{story.__name__}.txt", told(story()))
