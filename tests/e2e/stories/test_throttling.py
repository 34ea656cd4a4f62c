"""The API server has little room for the operator: it goes on slowly, and loses no update."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from controllers.plan import Resource
from hack.charts.helm import NAME, NAMESPACE
from tests.e2e.stories.stage import Stage

LEVELS = Resource(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "prioritylevelconfigurations",
    "PriorityLevelConfiguration",
)
FLOWS = Resource("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema")
SHUT = 5.0
"""Seconds for which nothing of the operator's is served: half of what a leader survives."""


@contextmanager
def narrow(stage: Stage) -> Iterator[None]:
    """All that the operator asks for goes through one door, beside which two requests may wait."""
    account = {"namespace": NAMESPACE, "name": NAME}
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    rule = {
        "subjects": [{"kind": "ServiceAccount", "serviceAccount": account}],
        "resourceRules": [everything],
    }
    flow = {
        "matchingPrecedence": 2,
        "priorityLevelConfiguration": {"name": NAME},
        "rules": [rule],
    }
    seats(stage, 1)
    stage.api.apply(FLOWS, {"metadata": {"name": NAME}, "spec": flow})
    try:
        yield
    finally:
        stage.api.delete(FLOWS, "", NAME)
        stage.api.delete(LEVELS, "", NAME)


def seats(stage: Stage, shares: int) -> None:
    """How much of what the API server does at once may be for the operator; 0: nothing."""
    queue = {"queues": 1, "handSize": 1, "queueLengthLimit": 2}
    limited = {
        "nominalConcurrencyShares": shares,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Queue", "queuing": queue},
    }
    spec = {"type": "Limited", "limited": limited}
    stage.api.apply(LEVELS, {"metadata": {"name": NAME}, "spec": spec})


def test_an_operator_that_is_throttled_goes_on_slowly_and_loses_no_update(stage: Stage) -> None:
    before = stage.chart.restarts()
    stage.serve()
    with narrow(stage):
        stage.create()
        for green in (20, 50):
            stage.until_green(green)
            seats(stage, 0)
            time.sleep(SHUT)  # nothing can be seen meanwhile but that nothing happens
            seats(stage, 1)
        stage.until_phase("Promoted", 90)
    assert stage.shares_were(20, 50, 100)
    assert stage.chart.restarts() == before
    assert {one.status for one in stage.answers()} == {200}
    if stage.audited():
        asked = [one for one in stage.history().ours() if one.verb != "watch"]
        assert any(one.code == 429 or one.ended - one.began > SHUT / 2 for one in asked)
