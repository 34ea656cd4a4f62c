"""What only a look at the world can find wrong: named with its fix, and nothing is moved."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from controllers.routing.istio import VIRTUAL_SERVICE
from tests.cluster.oracle import History
from tests.cluster.scene import ARMS, ERRORS, NAME, Scene

pytestmark = pytest.mark.cluster

LATENCY = {"name": "latency", "type": "Latency", "preset": "Envoy", "floor": "0.05"}
VALUE = {"name": "value", "type": "Threshold", "min": "0"}


@dataclass(frozen=True)
class Wrong:
    """One canary that cannot work: what was changed in it, and what is said about that."""

    condition: str
    reason: str
    message: str
    changes: dict[str, Any] = field(default_factory=dict)
    arms: tuple[str, str] | None = None
    """The hosts of the arms, where they are not those of the model servers."""
    port: int | None = None
    targets: tuple[str, str] | None = None
    """The hosts in the route, where they are not those of the model servers."""
    routed: bool = True


WRONG = {
    "no-route": Wrong(
        "Accepted",
        "RouteNotFound",
        "spec.routeRef.name: there is no VirtualService no-route",
        routed=False,
    ),
    "no-such-rule": Wrong(
        "Accepted",
        "RouteNotFound",
        "spec.routeRef.routes: VirtualService no-such-rule has no http route named batch; it has: "
        "old-clients, primary",
        {"routeRef": {"name": "no-such-rule", "routes": ["batch"]}},
    ),
    "many-rules": Wrong(
        "Accepted",
        "RouteNotFound",
        "spec.routeRef.routes: VirtualService many-rules has 2 http routes: name those to use",
        {"routeRef": {"name": "many-rules"}},
    ),
    "no-destination": Wrong(
        "Accepted",
        "DestinationNotFound",
        "spec.arms: http route primary has no destination red.example: add it with weight 0",
        arms=("blue.example", "red.example"),
        targets=("blue.example", "green.example"),
    ),
    "no-port": Wrong(
        "Accepted", "DestinationNotFound", "port 8081: add it with weight 0", port=8081
    ),
    "no-metric": Wrong(
        "MetricsAvailable",
        "Absent",
        "guardrail value",
        {"guardrails": [ERRORS, {**VALUE, "query": "no_such_metric"}]},
    ),
    "no-counters": Wrong(
        "MetricsAvailable",
        "Absent",
        "guardrail errors",
        arms=("blue.idle", "green.idle"),
        targets=("blue.idle", "green.idle"),
    ),
    "no-edge": Wrong(
        "MetricsAvailable",
        "Absent",
        "spec.guardrails[latency].edge: the histogram has no edge at 123 ms; it has: 0.5, 1, 5",
        {"guardrails": [ERRORS, {**LATENCY, "edge": "123ms"}]},
    ),
    "many-series": Wrong(
        "MetricsAvailable",
        "Ambiguous",
        "guardrail value",
        {"guardrails": [ERRORS, {**VALUE, "query": "up"}]},
    ),
    "not-promql": Wrong(
        "MetricsAvailable",
        "Failed",
        "the query is wrong",
        {"guardrails": [ERRORS, {**VALUE, "query": "sum(up"}]},
    ),
}


def test_each_is_named_with_its_fix_and_a_good_one_beside_them_goes_on(scene: Scene) -> None:
    for name, wrong in WRONG.items():
        if wrong.routed:
            host = f"{name}.{scene.namespace}"
            route = scene.route(name, host=host, targets=wrong.targets)
            scene.api.apply(VIRTUAL_SERVICE, route)
        scene.create(name, **_spec(scene, name, wrong))
    scene.create()

    for name, wrong in WRONG.items():
        _until_said(scene, name, wrong)
    scene.until_phase("Promoted", 90)
    for name, wrong in WRONG.items():
        assert scene.weights(name) == ({"blue": 100, "green": 0} if wrong.routed else {})
        assert scene.status(name).step == 0
    writes = History(scene.cluster, scene.namespace).route_writes()
    assert {one.request.name for one in writes} == {NAME}


def test_a_prometheus_that_cannot_be_reached_moves_nothing_and_is_named(bare_scene: Scene) -> None:
    scene = bare_scene
    scene.serve(rps=0)
    scene.operate(prometheus_url="http://127.0.0.1:9")
    scene.create()
    scene.until(lambda: scene.says("MetricsAvailable")[1] == "Failed", 30, "it is reported")
    assert "Prometheus cannot be reached" in scene.says("MetricsAvailable")[2]
    scene.always(lambda: scene.green() == 0, 4, "no traffic moves")
    assert scene.status().step == 0


def test_a_dry_run_explains_in_status_and_does_nothing_else(bare_scene: Scene) -> None:
    scene = bare_scene
    scene.serve()
    scene.operate("--dry-run")
    scene.create()

    def decided() -> bool:
        weights = scene.status().weights
        return weights is not None and (weights.desired, weights.applied) == (20, 0)

    scene.until(decided, 40, "the first step is decided")
    assert "step 1/1" in scene.status().message
    scene.always(lambda: scene.green() == 0, 4, "no traffic moves")
    assert scene.finalizers() == []
    assert scene.events() == []
    history = History(scene.cluster, scene.namespace)
    written = {one.resource for one in history.ours() if one.done}
    assert written == {"leases", "modelcanaries/status"}


def _until_said(scene: Scene, name: str, wrong: Wrong) -> None:
    def said() -> bool:
        truth, reason, message = scene.says(wrong.condition, name)
        return (truth, reason) == ("False", wrong.reason) and wrong.message in message

    wanted = f"{wrong.condition}=False, {wrong.reason}: {wrong.message}"
    scene.until(said, 40, f"{name} says {wanted}")


def _spec(scene: Scene, name: str, wrong: Wrong) -> dict[str, Any]:
    spec: dict[str, Any] = {"routeRef": {"name": name, "routes": ["primary"]}, **wrong.changes}
    hosts = wrong.arms or tuple(scene.arm_host(arm) for arm in ARMS)
    port = {"port": wrong.port} if wrong.port else {}
    spec["arms"] = [
        {"name": arm, "host": host, **port} for arm, host in zip(ARMS, hosts, strict=True)
    ]
    return spec
