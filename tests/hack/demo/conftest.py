"""Scenes of a canary that is played in a simulated world."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from controllers.api.modelcanary.spec import ModelCanarySpec
from hack.demo.scene import Arm, Scene
from tests.world import START, Server, World

SPEC = {
    "arms": [{"name": name, "host": f"fraud-{name}"} for name in ("blue", "green")],
    "routeRef": {"name": "fraud"},
    "release": {"arm": "green", "version": "2"},
    "steps": [{"weight": weight, "minDuration": "10s"} for weight in (5, 50)],
    "guardrails": [{"name": "errors", "type": "ErrorRate", "preset": "Envoy"}],
    "analysis": {"interval": "2s", "scrapeInterval": "2s"},
}


def play(errors: float, seconds: int) -> Iterator[Scene]:
    """A scene for each second of a release whose answers are bad with that share."""
    world = World(spec=SPEC, rps=100.0, scrape=2, servers={"green": Server(errors=errors)})
    while world.now < START + seconds:
        yield _scene(world.run(1))


def _scene(world: World) -> Scene:
    told = tuple(
        (datetime.fromisoformat(event.at).timestamp() - START, event)
        for event in world.status.history
    )
    versions = {"blue": "1", "green": "2"}
    arms = {name: Arm(versions[name], weight) for name, weight in world.live().items()}
    spec = ModelCanarySpec.model_validate(SPEC)
    return Scene("Is it good?", world.now - START, arms, spec, world.status, told)


@pytest.fixture(scope="session")
def promotion() -> list[Scene]:
    return list(play(0.0, 150))


@pytest.fixture(scope="session")
def rollback() -> list[Scene]:
    return list(play(0.1, 60))
