"""The weights of two destinations are read exactly and changed alone."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.routing import istio
from controllers.routing.istio import Destination, Problem, Share

BLUE, GREEN = Destination("fraud-blue"), Destination("fraud-green")


def service(*http: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": "fraud", "namespace": "prod", "resourceVersion": "7"},
        "spec": {"hosts": ["fraud"], "gateways": ["mesh"], "http": list(http)},
    }


def to(host: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    weighed = {} if weight is None else {"weight": weight}
    return {"destination": {"host": host, **more}, **weighed}


def route(name: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "route": list(targets), **more}


PRIMARY = route("primary", to("fraud-blue", 60), to("fraud-green", 20), to("other", 20))


def test_a_share_is_of_what_the_two_hold_and_a_third_keeps_its_own() -> None:
    split = istio.read(service(PRIMARY), ["primary"], BLUE, GREEN)
    assert split == (Share("primary", 0, 0, 1, 60, 20),)
    assert istio.percent(split) == 25
    assert istio.matches(split, 25)
    wanted = istio.write(service(PRIMARY), split, 50).patch["spec"]["http"][0]["route"]
    assert [target["weight"] for target in wanted] == [40, 40, 20]


@pytest.mark.parametrize(
    ("http", "routes", "reason", "words"),
    [
        ((), ["primary"], "RouteNotFound", "no http route named primary; it has: none"),
        ((PRIMARY,), ["batch"], "RouteNotFound", "it has: primary"),
        ((PRIMARY, PRIMARY), [], "RouteNotFound", "has 2 http routes: name those to use"),
        (
            (route("primary", to("fraud-blue", 100)),),
            ["primary"],
            "DestinationNotFound",
            "no destination fraud-green: add it with weight 0",
        ),
        (
            (route("primary", to("fraud-blue", 50), to("fraud-blue", 50), to("fraud-green")),),
            ["primary"],
            "DestinationAmbiguous",
            "several destinations fraud-blue: set subset or port",
        ),
        (
            (route("primary", to("fraud-blue", 0), to("fraud-green", 0), to("other", 100)),),
            ["primary"],
            "NoWeight",
            "joint weight of 0",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_the_fix(
    http: tuple[dict[str, Any], ...], routes: list[str], reason: str, words: str
) -> None:
    problem = istio.read(service(*http), routes, BLUE, GREEN)
    assert isinstance(problem, Problem)
    assert problem.reason == reason
    assert words in problem.message


def test_a_host_matches_its_full_name_and_subset_and_port_tell_destinations_apart() -> None:
    full = "fraud-blue.prod.svc.cluster.local"
    http = route(
        "primary",
        to(full, 100, port={"number": 80}),
        to("fraud-green", 0, subset="a"),
        to("fraud-green", 0, subset="b"),
    )
    green = Destination("fraud-green", "b")
    split = istio.read(service(http), [], Destination("fraud-blue", None, 80), green)
    assert not isinstance(split, Problem)
    assert (split[0].stable_at, split[0].candidate_at) == (0, 2)
    missing = istio.read(service(http), [], Destination("fraud-blue", None, 81), green)
    assert isinstance(missing, Problem)


def test_routes_of_different_sums_are_each_split_in_their_own_sum() -> None:
    both = service(
        route("primary", to("fraud-blue", 100), to("fraud-green", 0)),
        route("batch", to("fraud-green", 0), to("fraud-blue", 40), to("other", 60)),
    )
    split = istio.read(both, ["primary", "batch"], BLUE, GREEN)
    assert not isinstance(split, Problem)
    http = istio.write(both, split, 25).patch["spec"]["http"]
    assert [[t["weight"] for t in r["route"]] for r in http] == [[75, 25], [10, 30, 60]]


@given(
    weights=st.lists(st.integers(1, 1000), min_size=2, max_size=5),
    start=st.integers(0, 100),
    percent=st.integers(0, 100),
)
def test_any_share_keeps_the_sum_the_others_and_every_other_field(
    weights: list[int], start: int, percent: int
) -> None:
    targets = [to("fraud-blue", weights[0]), to("fraud-green", weights[1])]
    others = [to(f"other-{i}", weight, subset="x") for i, weight in enumerate(weights[2:])]
    before = service(route("primary", *targets, *others, timeout="3s", retries={"attempts": 2}))
    split = istio.read(before, ["primary"], BLUE, GREEN)
    assert not isinstance(split, Problem)
    for share in (start, percent):
        write = istio.write(before, split, share)
        assert write.resource_version == "7"
        after = copy.deepcopy(before)
        after["spec"].update(copy.deepcopy(write.patch["spec"]))
        again = istio.read(after, ["primary"], BLUE, GREEN)
        assert not isinstance(again, Problem)
        assert again[0].total == weights[0] + weights[1]
        assert istio.matches(again, share)
        assert not istio.raised(again, share)
        assert (istio.percent(again) == 0) == (share == 0)
        assert (istio.percent(again) == 100) == (share == 100)
        for one in (after["spec"]["http"][0], before["spec"]["http"][0]):
            assert one["timeout"] == "3s"
            assert one["route"][2:] == others
