"""A small kind in the shape of the real ones: it keeps the content of a ConfigMap, its box."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from controllers.api.base import Crd, Model
from controllers.plan import Event, Meta, Plan, Resource, Write
from controllers.readings import Answer, Answered, Query
from controllers.routing.istio import VIRTUAL_SERVICE
from operators.runtime.kind import Kind, Watch
from operators.runtime.objects import Key, Obj
from operators.runtime.rights import Rule
from operators.runtime.world import World

CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
AGAIN = "modelyard.dev/again"


class ToySpec(Model):
    """What a toy shall do."""

    box: Annotated[str, Field(min_length=1)]
    value: str
    query: str = ""
    every: float | None = None
    record: bool = True
    part: str = ""
    bug: bool = False


class ToyStatus(Model):
    """What it has done."""

    desired: str = ""
    applied: str = ""
    looks: int = 0
    observed_generation: int = 0
    answer: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Seen:
    box: Obj | None
    answers: Mapping[Query, Answered]


def needs(meta: Meta, spec: ToySpec, status: ToyStatus, now: float) -> tuple[Query, ...]:
    return (Query(spec.query, at=1000.0),) if spec.query else ()


def observe(
    world: World,
    meta: Meta,
    spec: ToySpec,
    status: ToyStatus,
    answers: Mapping[Query, Answered],
    now: float,
) -> Seen:
    return Seen(world.get(CONFIG_MAP, meta.namespace, spec.box), answers)


def decide(meta: Meta, spec: ToySpec, status: ToyStatus, seen: Seen, now: float) -> Plan[ToyStatus]:
    """Desired is on record before the box is written, applied after; deletion empties the box."""
    if spec.bug:
        raise ZeroDivisionError("planted")
    if meta.deleting:
        return _leave(spec, status, seen)
    if seen.box is None:
        return Plan(status.model_copy(update={"reason": "NoBox"}), "NoBox", finalizer=False)
    answer = next(iter(seen.answers.values()), None)
    said = {"looks": status.looks + 1, "reason": "Kept", "message": ""} | (
        {} if answer is None else {"answer": type(answer).__name__ + _shown(answer)}
    )
    status = status.model_copy(update={**said, "observed_generation": meta.generation})
    spent = frozenset({AGAIN} & set(meta.annotations))
    if status.desired != spec.value:
        wanted = status.model_copy(update={"desired": spec.value})
        return Plan(wanted, "Wanted", finalizer=True, look_again=0.0, spent=spent)
    writes = _write(spec, seen.box, spec.value) if _value(seen.box) != spec.value else ()
    events = (Event("Filled", f"the box holds {spec.value}"),) if writes else ()
    return Plan(
        status.model_copy(update={"applied": spec.value}),
        "Kept",
        writes=writes,
        events=events,
        finalizer=True,
        spent=spent,
        look_again=spec.every,
        record=spec.record or bool(writes),
    )


def refuse(meta: Meta, status: ToyStatus, message: str, now: float) -> Plan[ToyStatus]:
    said = status.model_copy(update={"reason": "InvalidSpec", "message": message})
    return Plan(said, "InvalidSpec", finalizer=meta.finalizer)


def _leave(spec: ToySpec, status: ToyStatus, seen: Seen) -> Plan[ToyStatus]:
    if seen.box is None or not _value(seen.box):
        return Plan(status.model_copy(update={"applied": ""}), "Left", finalizer=False)
    return Plan(
        status, "Leaving", writes=_write(spec, seen.box, ""), finalizer=True, look_again=0.0
    )


def _write(spec: ToySpec, box: Obj, value: str) -> tuple[Write, ...]:
    meta = box["metadata"]
    patch = {"data": {"value": value}}
    version = meta["resourceVersion"]
    return (Write(CONFIG_MAP, meta["namespace"], meta["name"], version, patch, spec.part),)


def _value(box: Obj) -> str:
    return str((box.get("data") or {}).get("value", ""))


def _shown(answer: Answered) -> str:
    return f" of {len(answer.series)}" if isinstance(answer, Answer) else f": {answer.detail}"


def _box(toy: Obj) -> Iterable[tuple[str, str]]:
    return [(toy["metadata"]["namespace"], toy.get("spec", {}).get("box", ""))]


def _whose(world: World, box: Obj) -> Iterable[Key]:
    at = (box["metadata"]["namespace"], box["metadata"]["name"])
    found = world.by(API.resource, "box", at)
    return [Key(one["metadata"]["namespace"], one["metadata"]["name"]) for one in found]


API = Crd(
    kind="Toy",
    plural="toys",
    singular="toy",
    short_names=(),
    spec=ToySpec,
    status=ToyStatus,
    columns=(),
    conditions={},
    annotations={},
    description="A toy.",
    examples={},
)

TOY: Kind[ToySpec, ToyStatus, Seen] = Kind(
    api=API,
    needs=needs,
    observe=observe,
    decide=decide,
    refuse=refuse,
    # Of VirtualServices it needs nothing: they stand for what may not be installed.
    watches=(Watch(CONFIG_MAP, _whose), Watch(VIRTUAL_SERVICE, lambda *_: ())),
    indices={"box": _box},
    rules=(
        Rule(("",), ("configmaps",), ("get", "list", "watch", "patch"), "the boxes", ""),
        Rule(
            ("networking.istio.io",), ("virtualservices",), ("list", "watch"), "may be absent", ""
        ),
    ),
)


def manifest(name: str = "one", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """A toy as a user writes it."""
    return {
        "apiVersion": API.resource.api_version,
        "kind": "Toy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"box": f"{name}-box", "value": "red", **spec},
    }


def box(name: str = "one", namespace: str = "default", value: str = "") -> dict[str, Any]:
    """Its box."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-box", "namespace": namespace},
        "data": {"value": value},
    }


def crd(plural: str = "toys", group: str = "modelyard.dev", kind: str = "Toy") -> dict[str, Any]:
    """A CRD that takes anything."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = "v1alpha1" if kind == "Toy" else "v1"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {
                        "type": "object", "properties": {"spec": anything, "status": anything},
                    }},
                }
            ],
        },
    }  # fmt: skip
