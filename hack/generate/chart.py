"""Renders what the Helm charts take from the models: the kinds, their rights and the CRDs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from controllers.api.base import Crd
from hack.generate import rbac
from hack.generate.crd import definition, file_name
from hack.generate.reference import manifest
from hack.generate.text import NOTICE, table, to_yaml
from operators.kinds import kinds
from operators.runtime.kind import AnyKind
from operators.runtime.rights import EVENT_RULES, LEASE_RULES, Rule
from operators.runtime.settings import Settings

CHART = "charts/modelyard"
CRDS = "charts/modelyard-crds/templates"
RULES = f"{CHART}/files/rules"
_TARGET = "targetplural.v1.targetgroup=Target"
"""Stands in the rights to what may be scaled for whatever the chart's scaleTargets name."""

_CRD_ANNOTATIONS = {
    # An uninstall takes no object of anybody's away.
    "helm.sh/resource-policy": "keep",
    "argocd.argoproj.io/sync-options": "Prune=false,ServerSideApply=true",
    "argocd.argoproj.io/sync-wave": "-10",
}


def files() -> dict[str, str]:
    """The text of every generated file of the charts, by its path."""
    bare, scaling = kinds(Settings(scale_targets=())), kinds(Settings(scale_targets=(_TARGET,)))
    found = {f"{CRDS}/{file_name(kind.api)}": _crd(kind.api) for kind in bare}
    found[f"{CHART}/files/kinds.yaml"] = _kinds(bare)
    found[f"{RULES}/lease.yaml"] = _rules(LEASE_RULES)
    found[f"{RULES}/runtime.yaml"] = _rules(EVENT_RULES)
    for kind, more in zip(bare, scaling, strict=True):
        found[f"{RULES}/{kind.api.kind}.yaml"] = _rules(kind.all_rules)
        if target := [rule for rule in more.rules if rule not in kind.rules]:
            found[f"{RULES}/{kind.api.kind}.target.yaml"] = _rules(target)
    return found


def values(text: str) -> str:
    """The reference page of a chart's ``values.yaml``: each value with the comment above it."""
    rows = [
        (f"`{name}`", f"`{json.dumps(value)}`", comment) for name, value, comment in commented(text)
    ]
    return f"""<!-- {NOTICE} -->
# Values of the chart

`helm upgrade --install modelyard charts/modelyard -n modelyard-system --set NAME=VALUE`, or `-f`
with a file. What is not in this table is refused.

{table(("Value", "Default", "Meaning"), rows)}"""


def commented(text: str) -> Iterator[tuple[str, Any, str]]:
    """Each value of a ``values.yaml`` that has a comment above it: its path, default and comment.

    Sections, which have none, are told by what is in them. Two spaces are one step down.
    """
    whole = yaml.safe_load(text)
    above: list[str] = []
    path: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            above.append(stripped.removeprefix("#").strip())
            continue
        if stripped and not stripped.startswith("-"):
            depth = (len(line) - len(line.lstrip())) // 2
            path = [*path[:depth], stripped.partition(":")[0]]
            if above:
                yield ".".join(path), _at(whole, path), " ".join(above)
        above = []


def _at(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        value = value[name]
    return value


def _crd(api: Crd) -> str:
    found = definition(api)
    found["metadata"] = {**found["metadata"], "annotations": _CRD_ANNOTATIONS}
    return f"# {NOTICE}\n" + to_yaml(found)


def _kinds(served: Iterable[AnyKind]) -> str:
    """What the templates have to know of each kind by its name."""
    return f"# {NOTICE}\n" + to_yaml({kind.api.kind: _kind(kind.api) for kind in served})


def _kind(api: Crd) -> Mapping[str, Any]:
    name, spec = next(iter(api.examples.items()))
    return {"plural": api.plural, "example": manifest(api, name, spec)}


def _rules(rules: Iterable[Rule]) -> str:
    return f"# {NOTICE}\n" + rbac.listed(rules)
