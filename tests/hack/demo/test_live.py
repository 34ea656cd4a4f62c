"""Envoy's own dump of its routes says which weights are in force."""

from typing import Any

import pytest

from hack.demo.live import weights

HOST = "digits.example"


def _dump(action: dict[str, Any], host: str = HOST) -> dict[str, Any]:
    virtual = {"domains": [host], "routes": [{"route": action}]}
    blackhole = {"domains": ["*"]}
    return {"configs": [{"route_config": {"virtual_hosts": [blackhole, virtual]}}]}


def _cluster(arm: str) -> str:
    return f"outbound|80||digits-{arm}.demo.model;"


WEIGHTED = {
    "weighted_clusters": {
        "clusters": [
            {"name": _cluster("blue"), "weight": 95},
            {"name": _cluster("green"), "weight": 5},
        ]
    }
}


@pytest.mark.parametrize(
    ("dump", "found"),
    [
        ({}, {}),
        ({"configs": [{"route_config": {}}]}, {}),
        (_dump(WEIGHTED, "other.example"), {}),
        (_dump({"cluster": _cluster("blue")}), {"digits-blue.demo.model": 100}),
        (_dump(WEIGHTED), {"digits-blue.demo.model": 95, "digits-green.demo.model": 5}),
    ],
)
def test_weights_are_read_by_destination(dump: dict[str, Any], found: dict[str, int]) -> None:
    assert weights(dump, HOST) == found
