"""What holds at every write whatever went wrong, and what is there at the end."""

import re
from collections import defaultdict

import yaml

from controllers.api.modelcanary.status import ModelCanaryStatus, Phase, Verdict
from hack.faults.proxy import FaultProxy
from tests.cluster.autoscaler_scene import ScalingScene
from tests.cluster.oracle import History
from tests.cluster.scene import Scene

WRITES_A_SECOND = 3.0
"""How many an operator may try for one object on average, refused ones and events included."""
LISTS_A_SECOND = 4.0
"""Of the eleven kinds it looks at, and of what kopf asks when it begins."""


def check_canary(history: History) -> None:
    """Beyond what every story of a canary promises: success first, and no step back in time."""
    for one in history.route_writes():
        if one.percent == 100:
            assert one.status.phase is Phase.PROMOTING, "stable lost its traffic before success"
            certified = {c.type: c.status for c in one.status.conditions}["Certified"]
            assert certified == "True"
    check_generations(history)


def check_generations(history: History) -> None:
    """``status.observedGeneration`` never goes back."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    done = sorted((one for one in history.ours() if one.done), key=lambda one: one.version)
    for one in done:
        if one.resource.endswith("/status"):
            generation = one.body["status"].get("observedGeneration", 0)
            key = one.resource, one.body["metadata"]["uid"]
            assert generation >= seen[key], f"{key} went back to generation {generation}"
            seen[key] = generation


def check_bounded(proxy: FaultProxy, seconds: float) -> None:
    """What failed is tried again, and not in a hurry."""
    # The lease has a pace of its own, and a review of a right is a POST that changes nothing.
    aside = re.compile("/leases|/selfsubjectaccessreviews")
    calls = [one.call for one in proxy.calls if not aside.search(one.call.path)]
    writes = sum(one.method in {"POST", "PATCH"} for one in calls)
    lists = sum(one.method == "GET" for one in calls)
    assert writes <= 20 + WRITES_A_SECOND * seconds, f"{writes} writes in {seconds:.0f} s"
    assert lists <= 60 + LISTS_A_SECOND * seconds, f"{lists} lists and watches in {seconds:.0f} s"


def end_of_canary(scene: Scene) -> str:
    """All that is to be the same at the end, whatever went wrong on the way."""
    status = scene.status()
    assert status.verdict is Verdict.PASS
    said = _said(status)
    history = History(scene.cluster, scene.namespace)
    said |= {
        "shares": history.shares(),
        "weights": scene.weights(),
        "finalizers": scene.finalizers(),
        "annotations": sorted(scene.annotations()),
    }
    return yaml.safe_dump(said, sort_keys=False)


def _said(status: ModelCanaryStatus) -> dict[str, object]:
    assert status.stable is not None
    return {
        "phase": status.phase.value,
        "verdict": status.verdict.value if status.verdict else "",
        "at": status.at,
        "stable": status.stable.wire(),
        "conditions": {
            one.type: f"{one.status} {one.reason}"
            for one in sorted(status.conditions, key=lambda one: one.type)
        },
        "observedGeneration": status.observed_generation,
    }


def end_of_autoscaler(scene: ScalingScene) -> str:
    """The same of an autoscaler under a load that wants more than its maximum."""
    status = scene.status()
    path = scene.scalings().path()
    assert path == sorted(path), f"something was taken away on the way up: {path}"
    said = {
        "replicas": scene.replicas(),
        "conditions": {
            one.type: f"{one.status} {one.reason}"
            for one in sorted(status.conditions, key=lambda one: one.type)
            if one.type in {"Accepted", "MetricsAvailable", "Ready"}
        },
        "observedGeneration": status.observed_generation,
        "finalizers": scene.finalizers(),
    }
    return yaml.safe_dump(said, sort_keys=False)
