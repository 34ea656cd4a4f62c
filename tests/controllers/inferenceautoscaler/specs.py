"""The specs that the stories begin with: short intervals, so that an hour fits into a second."""

import copy
from typing import Any

from tests.controllers.inferenceautoscaler.world import World

SPEC: dict[str, Any] = {
    "targetRef": {"name": "llm"},
    "service": {"host": "llm", "port": 8000},
    "minReplicas": 2,
    "maxReplicas": 20,
    "slo": {"objective": "0.99", "wait": "1s"},
    "signals": [
        {"name": "demand", "role": "Demand", "preset": "Envoy"},
        {"name": "queue", "role": "Backlog", "preset": "Envoy"},
    ],
    "capacity": {"requestsPerSecond": "5", "concurrency": 2},
    "startup": {"initial": "30s"},
    "scaleDown": {"hold": "60s", "period": "15s"},
    "analysis": {"interval": "5s", "scrapeInterval": "5s"},
    "forecast": {"mode": "Off"},
}
ACTIVATION = {"name": "arrivals", "role": "Activation", "preset": "Envoy"}
WAITING = {"name": "waiting", "role": "Activation", "query": "waiting"}
IN_FLIGHT = {"name": "in-flight", "role": "Concurrency", "preset": "Envoy"}
LATENCY = {"name": "latency", "role": "Latency", "preset": "Envoy", "limit": "1s"}
ZERO: dict[str, Any] = {
    "minReplicas": 0,
    "signals": [*SPEC["signals"], WAITING],
    "scaleToZero": {"idle": "2m"},
}


def spec(**changes: Any) -> dict[str, Any]:
    """The usual spec; fields may be replaced, None leaves one out."""
    merged = {**copy.deepcopy(SPEC), **changes}
    return {key: value for key, value in merged.items() if value is not None}


def steps(*pairs: tuple[int, float]) -> Any:
    """Demand that changes at once: from each second on, so many requests per second."""
    return lambda second: next((r for at, r in reversed(pairs) if second >= at), pairs[0][1])


def world(changes: dict[str, Any] | None = None, **fields: Any) -> World:
    """The usual world; fields of the spec may be replaced."""
    return World(spec(**(changes or {})), **fields)
