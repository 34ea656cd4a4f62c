"""ModelCanary in the shell: what it watches, how it observes and the API rights that takes."""

from collections.abc import Iterable, Mapping

from controllers.api.modelcanary import MODELCANARY
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus
from controllers.modelcanary import Seen, decide, needs, refuse
from controllers.plan import Meta, Resource
from controllers.readings import Answered, Query
from controllers.routing.istio import VIRTUAL_SERVICE
from operators.runtime.kind import Kind, Watch
from operators.runtime.objects import Key, Obj, Trim, key_of, older, slim
from operators.runtime.resources import DEPLOYMENT
from operators.runtime.rights import Rule
from operators.runtime.trims import workload
from operators.runtime.world import World

BY_DEPLOYMENT = "deployment"
"""The index of canaries by the Deployments behind their arms."""


def observe(
    world: World,
    meta: Meta,
    spec: ModelCanarySpec,
    status: ModelCanaryStatus,  # noqa: ARG001 - the same signature in every kind
    answers: Mapping[Query, Answered],
    now: float,  # noqa: ARG001
) -> Seen:
    """The route, the Deployments behind the arms and older canaries on the route, from caches."""
    return Seen(
        route=world.get(VIRTUAL_SERVICE, meta.namespace, spec.route_ref.name),
        unserved=world.unserved(VIRTUAL_SERVICE),
        holder=older(_on_route(world, meta.namespace, spec.route_ref.name), meta),
        ready={
            arm.name: _ready(world, meta.namespace, arm.deployment)
            for arm in spec.arms
            if arm.deployment is not None
        },
        answers=answers,
    )


def _on_route(world: World, namespace: str, route: str) -> list[Obj]:
    return world.by(MODELCANARY.resource, "route", (namespace, route))


def _ready(world: World, namespace: str, name: str) -> int | None:
    deployment = world.get(DEPLOYMENT, namespace, name)
    if deployment is None:
        return None
    return int(deployment.get("status", {}).get("readyReplicas") or 0)


def _route(canary: Obj) -> Iterable[tuple[str, str]]:
    """The routes a canary moves; what a half-written spec does not say is nobody's."""
    name = canary.get("spec", {}).get("routeRef", {}).get("name")
    return [(canary["metadata"].get("namespace", ""), name)] if name else []


def deployments(canary: Obj) -> Iterable[tuple[str, str]]:
    """The Deployments behind the arms of a canary, each with its namespace."""
    namespace = canary["metadata"].get("namespace", "")
    arms = canary.get("spec", {}).get("arms") or ()
    return [(namespace, arm["deployment"]) for arm in arms if arm.get("deployment")]


def _by(index: str, resource: Resource, trim: Trim = slim) -> Watch:
    """Wake the canaries that name a changed object."""

    def keys(world: World, changed: Obj) -> Iterable[Key]:
        found = world.by(MODELCANARY.resource, index, tuple(key_of(changed)))
        return [key_of(canary) for canary in found]

    return Watch(resource, keys, trim)


def _peers(world: World, changed: Obj) -> Iterable[Key]:
    """Wake the other canaries on the route of one that came, changed or went."""
    for namespace, route in _route(changed):
        for peer in _on_route(world, namespace, route):
            if key_of(peer) != key_of(changed):
                yield key_of(peer)


_PROMOTION = (
    "tests/cluster/test_canary_promotion.py::"
    "test_a_good_release_is_promoted_on_both_presets_and_the_next_one_on_the_other_arm"
)
_NO_REPLICA = (
    "tests/cluster/test_canary_outages.py::test_an_arm_without_a_ready_replica_is_given_no_traffic"
)

RULES = (
    Rule(
        ("networking.istio.io",),
        ("virtualservices",),
        ("list", "watch"),
        "the route whose weights are read",
        _PROMOTION,
    ),
    Rule(
        ("networking.istio.io",),
        ("virtualservices",),
        ("patch",),
        "the weights of the two arms, the one thing that is changed",
        _PROMOTION,
    ),
    Rule(
        ("apps",),
        ("deployments",),
        ("list", "watch"),
        "whether an arm has a ready replica before it is given traffic",
        _NO_REPLICA,
    ),
)

CANARY: Kind[ModelCanarySpec, ModelCanaryStatus, Seen] = Kind(
    api=MODELCANARY,
    needs=needs,
    observe=observe,
    decide=decide,
    refuse=refuse,
    watches=(
        _by("route", VIRTUAL_SERVICE),
        _by(BY_DEPLOYMENT, DEPLOYMENT, workload),
        Watch(MODELCANARY.resource, _peers),
    ),
    indices={"route": _route, BY_DEPLOYMENT: deployments},
    rules=RULES,
)
