"""The weights of two destinations in an Istio VirtualService: read, compared and changed."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.plan import Resource, Write

VIRTUAL_SERVICE = Resource("networking.istio.io", "v1", "virtualservices", "VirtualService")


@dataclass(frozen=True)
class Destination:
    """Where traffic can go, as a VirtualService names it; an unset port or subset is ``None``."""

    host: str
    subset: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        subset = f" subset {self.subset}" if self.subset else ""
        port = f" port {self.port}" if self.port else ""
        return f"{self.host}{subset}{port}"


@dataclass(frozen=True)
class Problem:
    """Why the route cannot be used, with the fix."""

    reason: str
    message: str


@dataclass(frozen=True)
class Share:
    """The weights of the two destinations in one ``http`` route, by their places in the object."""

    route: str
    http: int
    stable_at: int
    candidate_at: int
    stable: int
    candidate: int

    @property
    def total(self) -> int:
        """What the two hold together; other destinations may hold more."""
        return self.stable + self.candidate

    def at(self, percent: int) -> int:
        """The candidate's weight for that percentage of the sum; between the ends each keeps 1."""
        if percent <= 0:
            return 0
        if percent >= 100:
            return self.total
        return max(1, min(self.total - 1, round(self.total * percent / 100)))


Split = tuple[Share, ...]


def full_host(host: str, namespace: str) -> str:
    """The name that Istio resolves a host to: one without a dot is a Service of the namespace."""
    return host if "." in host else f"{host}.{namespace}.svc.cluster.local"


def read(
    virtual_service: Mapping[str, Any],
    routes: Sequence[str],
    stable: Destination,
    candidate: Destination,
) -> Split | Problem:
    """The weights of the two destinations in every named ``http`` route.

    Without names the VirtualService must have exactly one route. A Problem says which route or
    destination is missing, or that the two hold no traffic there at all.
    """
    http: Sequence[Mapping[str, Any]] = virtual_service.get("spec", {}).get("http") or ()
    namespace = virtual_service["metadata"].get("namespace", "")
    name = virtual_service["metadata"]["name"]
    if not routes and len(http) != 1:
        return Problem(
            "RouteNotFound",
            f"spec.routeRef.routes: VirtualService {name} has {len(http)} http routes: "
            "name those to use",
        )
    places = [_place(http, route) for route in routes] if routes else [0]
    split = []
    for label, place in zip(routes or (http[0].get("name", "0"),), places, strict=True):
        if place is None:
            known = ", ".join(route.get("name", "(unnamed)") for route in http) or "none"
            return Problem(
                "RouteNotFound",
                f"spec.routeRef.routes: VirtualService {name} has no http route named {label}; "
                f"it has: {known}",
            )
        share = _share(http[place], label, place, (stable, candidate), namespace)
        if isinstance(share, Problem):
            return share
        split.append(share)
    return tuple(split)


def _place(http: Sequence[Mapping[str, Any]], name: str) -> int | None:
    return next((i for i, route in enumerate(http) if route.get("name") == name), None)


def _share(
    route: Mapping[str, Any],
    label: str,
    place: int,
    pair: tuple[Destination, Destination],
    namespace: str,
) -> Share | Problem:
    targets: Sequence[Mapping[str, Any]] = route.get("route") or ()
    found = []
    for wanted in pair:
        places = [i for i, target in enumerate(targets) if _is(target, wanted, namespace)]
        if len(places) != 1:
            what = "has no destination" if not places else "has several destinations"
            fix = "add it with weight 0" if not places else "set subset or port in spec.arms"
            return Problem(
                "DestinationNotFound" if not places else "DestinationAmbiguous",
                f"spec.arms: http route {label} {what} {wanted}: {fix}",
            )
        found.append(places[0])
    weights = [_weight(targets, i) for i in found]
    if sum(weights) < 2:
        return Problem(
            "NoWeight",
            f"http route {label}: the two arms have a joint weight of {sum(weights)}, "
            "which cannot be split: give them at least 2",
        )
    return Share(label, place, found[0], found[1], weights[0], weights[1])


def _is(target: Mapping[str, Any], wanted: Destination, namespace: str) -> bool:
    destination = target.get("destination", {})
    port = destination.get("port", {}).get("number")
    return (
        full_host(destination.get("host", ""), namespace) == full_host(wanted.host, namespace)
        and (destination.get("subset") or None) == wanted.subset
        and (wanted.port is None or port == wanted.port)
    )


def _weight(targets: Sequence[Mapping[str, Any]], i: int) -> int:
    # A lone destination takes everything whatever its weight; beside others an unset weight is 0.
    return 100 if len(targets) == 1 else int(targets[i].get("weight") or 0)


def matches(split: Split, percent: int) -> bool:
    """Whether every route gives the candidate exactly that share."""
    return all(share.candidate == share.at(percent) for share in split)


def percent(split: Split) -> int:
    """The candidate's largest share over the routes; 0 and 100 only when they hold everywhere."""
    if all(share.candidate == 0 for share in split):
        return 0
    if all(share.stable == 0 for share in split):
        return 100
    return max(1, min(99, max(round(100 * s.candidate / s.total) for s in split)))


def raised(split: Split, percent: int) -> bool:
    """Whether some route gives the candidate more than that share."""
    return any(share.candidate > share.at(percent) for share in split)


def write(virtual_service: Mapping[str, Any], split: Split, percent: int) -> Write:
    """The change that gives the candidate that share in every route and touches nothing else.

    The sum of the two stays in each route. ``http`` is a list without keys, so the patch holds the
    whole list as it was read, guarded by the resourceVersion it was read at.
    """
    http = copy.deepcopy(virtual_service["spec"]["http"])
    for share in split:
        candidate = share.at(percent)
        targets = http[share.http]["route"]
        targets[share.candidate_at]["weight"] = candidate
        targets[share.stable_at]["weight"] = share.total - candidate
    metadata = virtual_service["metadata"]
    return Write(
        VIRTUAL_SERVICE,
        metadata.get("namespace", ""),
        metadata["name"],
        metadata["resourceVersion"],
        {"spec": {"http": http}},
    )
