"""What the API server's audit log says of the operator: who wrote what, when, and whether it might.

Versions of all objects are revisions of one store, so that they order writes to several kinds.
"""

import copy
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus
from controllers.modelcanary.turn import RUNNING
from controllers.plan import FINALIZER
from controllers.routing import istio
from controllers.routing.istio import Destination, Split
from hack.cluster.cluster import Cluster
from tests.cluster.operator import ACCOUNT, SECOND, username

_WRITES = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True)
class Request:
    """One request that the API server answered."""

    user: str
    pod: str
    """The pod that the user's token is of; empty where it is of none."""
    verb: str
    group: str
    resource: str
    name: str
    code: int
    message: str
    """What was said with a refusal."""
    began: float
    ended: float
    body: dict[str, Any]
    """The object after a write that succeeded, where the audit policy keeps it."""

    @property
    def version(self) -> int:
        return int(self.body.get("metadata", {}).get("resourceVersion") or 0)

    @property
    def done(self) -> bool:
        """Whether it changed something; a review of rights is a question, although it is made."""
        asks = self.group == "authorization.k8s.io"
        return self.verb in _WRITES and 200 <= self.code < 300 and not asks


@dataclass(frozen=True)
class RouteWrite:
    """A write of ours to a route: the record and the route just before it, the route after it."""

    request: Request
    spec: ModelCanarySpec
    status: ModelCanaryStatus
    finalizers: Sequence[str]
    before: dict[str, Any]

    def split(self, route: dict[str, Any]) -> Split:
        """The weights with the arm that the status is about as the one that is counted."""
        assert self.status.weights is not None
        arm = self.status.weights.arm
        pair = sorted(self.spec.arms, key=lambda one: one.name == arm)
        stable, candidate = (Destination(one.host, one.subset, one.port) for one in pair)
        found = istio.read(route, self.spec.route_ref.routes, stable, candidate)
        assert isinstance(found, tuple), found
        return found

    @property
    def percent(self) -> int:
        """The share that the arm on trial has after it."""
        return istio.percent(self.split(self.request.body))

    @property
    def raises(self) -> bool:
        """Whether the arm on trial gains by it."""
        return istio.raised(self.split(self.request.body), istio.percent(self.split(self.before)))


class History:
    """All requests that concern one namespace, in the order in which they were answered."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        operators: Collection[str] = frozenset(),
        since: float = 0.0,
    ) -> None:
        """``operators``: the users that serve it, where these are not of the namespace itself.

        ``since``: Unix time of the first request that counts.
        """
        own = {username(namespace, account) for account in (ACCOUNT, SECOND)}
        self.operators = set(operators) or own
        needle = f'"{namespace}"'
        accounts = tuple(f'"{user}"' for user in self.operators)
        with (cluster.folder / "log" / "audit.log").open() as log:
            events = [
                json.loads(line)
                for line in log
                if line.endswith("\n")
                and (needle in line or any(account in line for account in accounts))
                and '"objectRef"' in line
                and "dryRun=All" not in line
            ]
        found = [
            _request(event) for event in events if not operators or _concerns(event, namespace)
        ]
        self.requests = [one for one in found if one.began >= since]
        # The leader may write sooner than it renews, and then leads by what was before.
        self.leases = [
            one
            for one in found
            if one.resource == "leases" and one.done and one.user in self.operators
        ]

    def ours(self) -> Iterator[Request]:
        """What the operator asked for."""
        return (one for one in self.requests if one.user in self.operators)

    def denied(self) -> list[Request]:
        """What the operator asked for and had no right to.

        That a namespace takes nothing new while it goes is no matter of rights.
        """
        return [
            one for one in self.ours() if one.code == 403 and "being terminated" not in one.message
        ]

    def route_writes(self) -> list[RouteWrite]:
        """The operator's writes to routes, each with what was on record before it."""
        kept = sorted((one for one in self.requests if one.done and one.version), key=_version)
        canaries: dict[str, dict[str, Any]] = {}
        routes: dict[str, dict[str, Any]] = {}
        found = []
        for one in kept:
            if one.resource in ("modelcanaries", "modelcanaries/status"):
                canaries[one.name] = one.body
            elif one.resource == "virtualservices":
                if one.user in self.operators:
                    found.append(_route_write(one, canaries, routes[one.name]))
                routes[one.name] = one.body
        return found

    def shares(self) -> list[int]:
        """What the operator gave the arm on trial, write by write."""
        return [one.percent for one in self.route_writes()]


def check(history: History, stale_writes: int = 0, *, restarted: bool = False) -> None:
    """Every promise that holds in every story, whatever its end.

    An API server that was ``restarted`` answers 403 to everybody until it has read its roles.
    """
    writes = history.route_writes()
    for one in writes:
        _only_weights_changed(one)
    unplanned = [one for one in writes if not _was_planned(one)]
    assert len(unplanned) <= stale_writes, [one.request for one in unplanned]
    for one in writes:
        if one not in unplanned and one.raises and one.status.phase in RUNNING:
            assert FINALIZER in one.finalizers, "a weight moved before our finalizer was set"
            told = {c.type: c.status for c in one.status.conditions}
            assert told.get("MetricsAvailable") == "True", (one.percent, one.status.message)
    assert len(list(by_non_leaders(history))) <= stale_writes, list(by_non_leaders(history))
    _nobody_else_wrote(history)
    denied = history.denied()
    assert not denied or restarted, f"asked for what is not granted: {denied}"


def _only_weights_changed(write: RouteWrite) -> None:
    before, after = write.before, write.request.body
    sums = [[share.total for share in write.split(route)] for route in (before, after)]
    assert sums[0] == sums[1], f"the sum of the two weights changed from {sums[0]} to {sums[1]}"
    assert _without_weights(write, before) == _without_weights(write, after)
    kept = [
        {key: value for key, value in route["metadata"].items() if key in ("labels", "annotations")}
        for route in (before, after)
    ]
    assert kept[0] == kept[1]


def _without_weights(write: RouteWrite, route: dict[str, Any]) -> dict[str, Any]:
    bare: dict[str, Any] = copy.deepcopy(route["spec"])
    for share in write.split(route):
        for place in (share.stable_at, share.candidate_at):
            bare["http"][share.http]["route"][place].pop("weight", None)
    return bare


def _was_planned(write: RouteWrite) -> bool:
    """Whether the share was on record before it was written."""
    weights = write.status.weights
    return weights is not None and istio.matches(write.split(write.request.body), weights.desired)


def by_non_leaders(history: History) -> Iterator[Request]:
    """Writes of a replica that was not the last to write the lease when they were sent."""
    for one in history.ours():
        if not one.done or one.resource == "leases":
            continue
        before = [lease for lease in history.leases if lease.ended <= one.began]
        if not before or _replica(max(before, key=lambda lease: lease.ended)) != _replica(one):
            yield one


def _replica(request: Request) -> tuple[str, str]:
    return request.user, request.pod


def _nobody_else_wrote(history: History) -> None:
    """Routes are written by the operator and the test itself, status by the operator alone."""
    for one in history.requests:
        if not one.done:
            continue
        if one.resource == "virtualservices":
            assert one.user in {*history.operators, "admin"}, one
        if one.resource == "modelcanaries/status":
            assert one.user in history.operators, one


def _route_write(
    request: Request, canaries: dict[str, dict[str, Any]], before: dict[str, Any]
) -> RouteWrite:
    """The write with the record of the canary that moves this route."""
    movers = [
        one
        for one in canaries.values()
        if one["spec"]["routeRef"]["name"] == request.name
        and one.get("status", {}).get("weights") is not None
    ]
    mover = max(movers, key=lambda one: int(one["metadata"]["resourceVersion"]))
    return RouteWrite(
        request,
        ModelCanarySpec.model_validate(mover["spec"]),
        ModelCanaryStatus.model_validate(mover["status"]),
        mover["metadata"].get("finalizers", ()),
        before,
    )


def _concerns(event: Mapping[str, Any], namespace: str) -> bool:
    """Whether it is about the namespace, about no namespace, or about who acts."""
    about = event["objectRef"]
    return about["resource"] == "leases" or about.get("namespace") in {None, namespace}


def _request(event: dict[str, Any]) -> Request:
    about = event["objectRef"]
    part = about.get("subresource")
    (pod,) = event["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [""])
    return Request(
        user=event["user"]["username"],
        pod=pod,
        verb=event["verb"],
        group=about.get("apiGroup", ""),
        resource=about["resource"] + (f"/{part}" if part else ""),
        name=about.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        message=event.get("responseStatus", {}).get("message", ""),
        began=_seconds(event["requestReceivedTimestamp"]),
        ended=_seconds(event["stageTimestamp"]),
        body=event.get("responseObject") or {},
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _version(request: Request) -> int:
    return request.version
