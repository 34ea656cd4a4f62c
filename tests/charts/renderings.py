"""The value sets that the charts are rendered with, and what comes of them."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hack.charts.helm import OPERATOR, template

VALUES = Path(__file__).parent / "values"
SETS: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "namespaced": (f"--values={VALUES}/namespaced.yaml",),
    "everything": (f"--values={VALUES}/everything.yaml",),
}

Obj = dict[str, Any]


@cache
def rendered(*flags: str) -> tuple[Obj, ...]:
    """The objects of the operator's chart, its hooks among them."""
    return tuple(one for one in yaml.safe_load_all(template(OPERATOR, *flags)) if one)


def of(objects: Iterable[Obj], kind: str, suffix: str = "") -> list[Obj]:
    """Those of a kind, and of a name that ends so."""
    return [
        one for one in objects if one["kind"] == kind and one["metadata"]["name"].endswith(suffix)
    ]


def one_of(objects: Iterable[Obj], kind: str, suffix: str = "") -> Obj:
    """The only one of them."""
    (found,) = of(objects, kind, suffix)
    return found


def operator(objects: Iterable[Obj]) -> Obj:
    """The operator's container."""
    container: Obj = one_of(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return container
