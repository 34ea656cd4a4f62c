"""A kind that cannot work is off, says why, and goes on once it can; the others work meanwhile."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.modelcanary import MODELCANARY
from controllers.plan import Resource
from hack.cluster.cluster import Cluster
from hack.generate.crd import definition
from tests.cluster.api import ROLES, Api
from tests.cluster.autoscaler_scene import AUTOSCALER, quick
from tests.cluster.operator import ACCOUNT
from tests.cluster.scene import CANARY, QUICK
from tests.cluster.story import Story

pytestmark = pytest.mark.cluster

NAME = "one"
SOON = 20.0
"""Seconds within which what was granted or applied is noticed."""
NOBODY = "http://127.0.0.1:9"
"""Where no Prometheus is: none of these stories comes so far."""


class Room(Story):
    """A canary and an autoscaler of nothing: what counts here is whether they are looked at."""

    def account(self) -> str:
        shown = [str(self.api.get(kind, self.namespace, NAME)) for kind in (CANARY, AUTOSCALER)]
        return "\n".join([*shown, *(one.process.said("now") for one in self.operators)])

    def create(self) -> None:
        meta = {"name": NAME, "namespace": self.namespace}
        arms = [{"name": arm, "host": arm} for arm in ("blue", "green")]
        self.api.apply(CANARY, {"metadata": meta, "spec": {"arms": arms, **QUICK}})
        self.api.apply(AUTOSCALER, {"metadata": meta, "spec": quick("nobody.example")})

    def change(self, kind: Resource, **fields: Any) -> int:
        """The generation after a change of the spec."""
        changed = self.api.merge(kind, self.namespace, NAME, {"spec": fields})
        assert changed is not None
        return int(changed["metadata"]["generation"])

    def looked_at(self, kind: Resource) -> int:
        """The generation that the status speaks of; 0 where there is none."""
        found = self.api.get(kind, self.namespace, NAME) or {}
        return int(found.get("status", {}).get("observedGeneration", 0))

    def off(self) -> dict[str, str]:
        """The kinds that are off, and why."""
        said: dict[str, str] = self.operator.readiness().get("off", {})
        return said

    @contextmanager
    def without(self, verb: str, resource: str) -> Iterator[None]:
        """Takes one right away for a while."""
        role = self.api.get(ROLES, self.namespace, ACCOUNT)
        assert role is not None
        whole = {"metadata": {"namespace": self.namespace, "name": ACCOUNT}, "rules": role["rules"]}
        less = copy.deepcopy(whole)
        for rule in less["rules"]:
            if resource in rule["resources"]:
                rule["verbs"] = [one for one in rule["verbs"] if one != verb]
        less["rules"] = [rule for rule in less["rules"] if rule["verbs"]]
        self.api.apply(ROLES, less)
        try:
            yield
        finally:
            self.api.apply(ROLES, whole)


@pytest.fixture
def room(installed: Cluster, namespace: str) -> Iterator[Room]:
    with entered(installed, namespace) as one:
        yield one


@contextmanager
def entered(cluster: Cluster, namespace: str) -> Iterator[Room]:
    with Api(cluster) as api:
        one = Room(cluster, api, namespace, NAME)
        try:
            yield one
            print(one.account())
        finally:
            for operator in one.operators:
                operator.kill()


def test_a_right_that_is_missing_turns_its_kind_off_until_it_is_granted(room: Room) -> None:
    room.prepare(prometheus_url=NOBODY)
    room.create()
    with room.without("patch", "statefulsets/scale"):
        room.operator.start()
        assert room.operator.readiness()["ok"]
        why = f"no right to patch statefulsets.apps/scale in namespace {room.namespace}"
        assert room.off() == {"InferenceAutoscaler": why}
        assert room.operator.heard(f"InferenceAutoscaler is off: {why}")
        room.until(lambda: room.looked_at(CANARY) == 1, SOON, "the canary is looked at")
        assert room.looked_at(AUTOSCALER) == 0
    room.until(lambda: room.looked_at(AUTOSCALER) == 1, SOON, "the autoscaler is looked at, too")
    assert room.off() == {}
    assert room.operator.heard("InferenceAutoscaler has its rights")


def test_a_right_that_is_taken_away_is_named_and_nothing_is_lost_until_it_is_back(
    room: Room,
) -> None:
    room.create()
    room.operate(prometheus_url=NOBODY)
    room.until(lambda: room.looked_at(CANARY) == 1, SOON, "the canary is looked at")
    with room.without("patch", "modelcanaries/status"):
        changed = room.change(CANARY, release={"arm": "green", "version": "9"})
        why = f"no right to patch modelcanaries.modelyard.dev/status in namespace {room.namespace}"
        room.until(lambda: room.off() == {"ModelCanary": why}, SOON, "it is named")
        assert room.operator.readiness()["ok"]
        assert room.looked_at(CANARY) < changed
    room.until(lambda: room.looked_at(CANARY) == changed, SOON, "the change is looked at")
    assert room.off() == {}


def test_rights_that_no_kind_depends_on_are_noted_and_keep_nothing_from_working(
    room: Room,
) -> None:
    room.prepare(prometheus_url=NOBODY)
    room.create()
    with room.without("create", "events"):
        room.operator.start()
        page = room.operator.readiness()
        assert page["off"] == {}
        assert page["notes"] == {
            "Event": f"no right to create events.events.k8s.io in namespace {room.namespace}"
        }
        room.until(lambda: room.looked_at(CANARY) == 1, SOON, "the canary is looked at")
        room.until(lambda: room.looked_at(AUTOSCALER) == 1, SOON, "the autoscaler is looked at")


def test_a_crd_that_is_missing_or_older_turns_its_kind_off_and_a_newer_one_does_not(
    own_cluster: Callable[..., Cluster],
) -> None:
    cluster = own_cluster("core")
    cluster.kubectl("create", "namespace", "versions")
    older, newer = definition(MODELCANARY), definition(INFERENCEAUTOSCALER)
    del properties(older, "status")["policyDigest"]
    properties(newer, "spec")["colour"] = {"type": "string", "maxLength": 8}
    establish(cluster, newer)
    with entered(cluster, "versions") as room:
        room.operate(prometheus_url=NOBODY)
        has = "its CRD is newer than this operator, which does not heed spec.colour"
        page = room.operator.readiness()
        assert page["ok"]
        assert "apply its CRD" in page["off"]["ModelCanary"]
        assert page["notes"] == {"InferenceAutoscaler": has}
        assert room.operator.heard(f"InferenceAutoscaler: {has}")

        establish(cluster, older)
        room.create()
        lacks = "its CRD is older than this operator, and lacks status.policyDigest"
        room.until(lambda: room.off().get("ModelCanary", "").startswith(lacks), SOON, "it is seen")
        assert room.operator.heard(f"ModelCanary is off: {lacks}")
        room.until(lambda: room.looked_at(AUTOSCALER) == 1, SOON, "the autoscaler is looked at")
        assert room.looked_at(CANARY) == 0

        establish(cluster, definition(MODELCANARY))
        room.until(lambda: room.looked_at(CANARY) == 1, SOON, "the canary is looked at, too")
        assert room.off() == {}


def establish(cluster: Cluster, crd: dict[str, Any]) -> None:
    cluster.apply(crd)
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}")


def properties(crd: dict[str, Any], part: str) -> dict[str, Any]:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, Any] = schema["properties"][part]["properties"]
    return found
