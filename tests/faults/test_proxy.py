"""The proxy as our own gateways meet it: each fault is the error that it should be, in time."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import yaml

from controllers.plan import Resource
from controllers.readings import Answer, Answered, Gap, Missing
from hack.faults.api import EVENTS, REQUESTS
from hack.faults.effects import Refused, Rewritten, Slow, Stall
from hack.faults.prometheus import ANSWERS
from hack.faults.proxy import FaultProxy
from hack.faults.script import Fault, Script
from operators.runtime.errors import Conflict, Forbidden, GatewayError, Gone, Invalid, Unavailable
from operators.runtime.gateway import KubeGateway
from operators.runtime.objects import version_of
from operators.sources.prometheus import parse
from tests.faults.upstream import VERSIONS, Upstream

MAPS = Resource("", "v1", "configmaps", "ConfigMap")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as one:
        yield one


@pytest.fixture
def script() -> Script:
    return Script(7)


@pytest.fixture
def proxy(upstream: Upstream, script: Script) -> Iterator[FaultProxy]:
    with FaultProxy(upstream.url, script) as one:
        yield one


@pytest.fixture
def kubeconfig(proxy: FaultProxy, tmp_path: Path) -> str:
    """A way to the proxy, with a token."""
    named = {"cluster": {"name": "c", "cluster": {"server": proxy.url}},
             "user": {"name": "u", "user": {"token": "sesame"}},
             "context": {"name": "x", "context": {"cluster": "c", "user": "u"}}}  # fmt: skip
    config = {f"{kind}s": [one] for kind, one in named.items()} | {"current-context": "x"}
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **config}))
    return str(file)


async def _patch(kubeconfig: str) -> dict[str, Any]:
    gateway = await KubeGateway.connect(kubeconfig)
    try:
        return await gateway.patch(MAPS, "n", "one", {"data": {"a": "b"}})
    finally:
        await gateway.close()


async def _follow(kubeconfig: str) -> list[int]:
    """The versions that a watch reports until it ends."""
    gateway = await KubeGateway.connect(kubeconfig)
    try:
        events = [event["object"] async for event in gateway.watch(MAPS, "n", 4)]
    finally:
        await gateway.close()
    return [version_of(one) for one in events]


def test_in_calm_all_passes_with_the_callers_token(
    upstream: Upstream, proxy: FaultProxy, kubeconfig: str
) -> None:
    async def story() -> None:
        gateway = await KubeGateway.connect(kubeconfig)
        objects, version = await gateway.list(MAPS, "n")
        assert (len(objects), version) == (1, 4)
        await gateway.get(MAPS, "n", "one")
        await gateway.close()

    asyncio.run(story())
    assert upstream.tokens == {"Bearer sesame"}
    assert asyncio.run(_follow(kubeconfig)) == list(VERSIONS)
    assert asyncio.run(_patch(kubeconfig))["metadata"]["resourceVersion"] == "6"
    assert upstream.patches == [{"data": {"a": "b"}}]
    assert [str(one.call).split()[0] for one in proxy.calls] == ["GET", "GET", "WATCH", "PATCH"]


ERRORS: Mapping[str, type[GatewayError]] = {"409": Conflict, "422": Invalid, "403": Forbidden}
"""What is more than "not now"."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each call."""
    defaults = KubeGateway._json.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "deadline", 0.5)


@pytest.mark.parametrize("name", [one for one in REQUESTS if one != "slow headers"])
def test_each_fault_of_a_request_is_the_error_that_it_should_be(
    name: str, upstream: Upstream, script: Script, kubeconfig: str, hasty: None
) -> None:
    fault = REQUESTS[name]
    script.play(Fault(name, fault, times=1))
    with pytest.raises(ERRORS.get(name, Unavailable)) as raised:
        asyncio.run(_patch(kubeconfig))
    # What the server did nevertheless is what makes these faults hard.
    assert len(upstream.patches) == getattr(fault, "carried_out", name == "truncated")
    if isinstance(fault, Refused) and fault.retry_after:
        assert isinstance(raised.value, Unavailable)
        assert raised.value.retry_after == fault.retry_after
    assert asyncio.run(_patch(kubeconfig)), "the next one is whole"


@pytest.mark.parametrize(("seconds", "in_time"), [(0.2, True), (2.0, False)])
def test_slow_headers_are_waited_for_until_the_deadline(
    seconds: float, in_time: bool, script: Script, kubeconfig: str, hasty: None
) -> None:
    script.play(Fault("slow headers", Slow(seconds)))
    if in_time:
        assert asyncio.run(_patch(kubeconfig))["kind"] == "ConfigMap"
    else:
        with pytest.raises(Unavailable, match="no answer within"):
            asyncio.run(_patch(kubeconfig))


@pytest.mark.parametrize(("name", "versions"), [
    ("duplicate", [5, 5, 6, 7]), ("dropped", [6, 7]), ("reordered", [6, 5, 7]),
])  # fmt: skip
def test_events_come_twice_never_or_late(
    name: str, versions: list[int], script: Script, kubeconfig: str
) -> None:
    script.play(Fault(name, EVENTS[name], times=1))
    assert asyncio.run(_follow(kubeconfig)) == versions


@pytest.mark.parametrize(("name", "error"), [("410", Gone), ("500", Unavailable)])
def test_an_error_among_the_events_ends_the_watch(
    name: str, error: type[GatewayError], script: Script, kubeconfig: str
) -> None:
    script.play(Fault(name, EVENTS[name], line='"resourceVersion": "6"', times=1))
    with pytest.raises(error):
        asyncio.run(_follow(kubeconfig))


@pytest.mark.parametrize("name", ["no JSON", "no object"])
def test_an_answer_of_something_else_is_no_list_and_no_event(
    name: str, script: Script, kubeconfig: str
) -> None:
    async def listed() -> None:
        gateway = await KubeGateway.connect(kubeconfig)
        try:
            await gateway.list(MAPS, "n")
        finally:
            await gateway.close()

    script.play(Fault(name, REQUESTS[name]))
    with pytest.raises(Unavailable, match="the answer is no"):
        asyncio.run(listed())
    with pytest.raises(Unavailable, match="no event"):
        asyncio.run(_follow(kubeconfig))


def test_a_stall_is_silence_and_then_goes_on(script: Script, kubeconfig: str) -> None:
    script.play(Fault("stall", Stall(0.5), times=1))
    assert asyncio.run(_follow(kubeconfig)) == list(VERSIONS)


def test_a_server_that_is_away_is_a_connection_that_breaks(upstream: Upstream) -> None:
    with (
        FaultProxy("http://127.0.0.1:1", Script(7)) as proxy,
        pytest.raises(requests.ConnectionError),
    ):
        requests.get(proxy.url, timeout=5)


SERIES = {"status": "success", "data": {"resultType": "matrix", "result": [
    {"metric": {"code": "200"}, "values": [[1.0, "7"], [2.0, "8"]]},
    {"metric": {"code": "500"}, "values": [[1.0, "0"], [2.0, "1"]]},
]}}  # fmt: skip


def _answered(name: str) -> Answered:
    fault = ANSWERS[name]
    if isinstance(fault, Refused):
        return parse(fault.status, fault.body)
    assert isinstance(fault, Rewritten)
    return parse(200, fault.change(json.dumps(SERIES).encode()))


def test_each_fault_of_an_answer_is_told_from_a_value() -> None:
    for name in ("503", "HTML"):
        found = _answered(name)
        assert isinstance(found, Missing)
        assert found.gap is Gap.FAILED
    for name in ("NaN", "infinite"):
        found = _answered(name)
        assert isinstance(found, Answer)
        assert len(found.series) == 2
        assert not any(np.isfinite(one.values).any() for one in found.series)
    assert _answered("empty") == Answer(())
    partial = _answered("partial")
    assert isinstance(partial, Answer)
    assert len(partial.series) == 1
    assert partial.warnings == ("a store did not answer",)
