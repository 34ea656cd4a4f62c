"""The one object of a file that is to be back-tested, or what is wrong with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from controllers.api.base import GROUP, VERSION, Crd, Model
from controllers.plan import Meta
from operators.backtest.replay import BacktestError


@dataclass(frozen=True)
class Manifest:
    """An object as its file has it."""

    api: Crd
    meta: Meta
    spec: Any
    status: Any
    """What the live object had learned, where the file has a status."""


def load(path: Path, known: Collection[Crd]) -> Manifest:
    """The object of a known kind in the file; BacktestError names the file, the field and the fix.

    Objects of other kinds are passed over, so that the file may be what is applied to a cluster.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except OSError as error:
        raise BacktestError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BacktestError(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    by_kind = {crd.kind: crd for crd in known}
    objects = [one for each in documents for one in _objects(each)]
    found = [
        one for one in objects
        if str(one.get("apiVersion", "")).startswith(f"{GROUP}/") and one.get("kind") in by_kind
    ]  # fmt: skip
    if len(found) != 1:
        kinds = ", ".join(str(one.get("kind", "no kind")) for one in objects) or "nothing"
        raise BacktestError(
            f"{path}: holds {len(found)} objects that can be back-tested ({kinds}): give a file"
            f" with one {' or '.join(by_kind)} of {GROUP}/{VERSION}"
        )
    try:
        return _read(found[0], by_kind[found[0]["kind"]])
    except ValueError as error:
        raise BacktestError(f"{path}: {error}") from error


def _objects(document: Any) -> list[Mapping[str, Any]]:
    """The objects of a document, which may be a List of kubectl's."""
    if not isinstance(document, dict):
        return []
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        return [one for one in document["items"] if isinstance(one, dict)]
    return [document]


def _read(found: Mapping[str, Any], api: Crd) -> Manifest:
    version = found["apiVersion"]
    if version != f"{GROUP}/{VERSION}":
        raise ValueError(f"apiVersion is {version}: this program reads {GROUP}/{VERSION}")
    given = found.get("metadata") or {}
    spec = _parsed(api.spec, found.get("spec") or {}, "spec")
    if unknown := _unknown(api.spec, found.get("spec") or {}, "spec"):
        raise ValueError(f"{unknown}: there is no such field; see {api.kind} in the reference")
    status = _parsed(api.status, found.get("status") or {}, "status")
    meta = Meta(
        namespace=str(given.get("namespace") or "default"),
        name=str(given.get("name") or "unnamed"),
        uid="backtest",
        generation=1,
        created="",
    )
    return Manifest(api, meta, spec, status)


def _parsed(model: type[Model], given: Any, where: str) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join([where, *(str(part) for part in first["loc"])])
        value = "" if first["type"] == "missing" else f" is {first['input']!r}"
        raise ValueError(f"{field}{value}: {first['msg']}") from error


def _unknown(model: type[BaseModel], given: Any, where: str) -> str:
    """The first field that the model does not have; the API server would drop it and warn."""
    if not isinstance(given, dict):
        return ""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for name, value in given.items():
        if name not in fields:
            return f"{where}.{name}"
        for inner in _models(fields[name]):
            several = value if isinstance(value, list) else [value]
            for place, one in enumerate(several):
                at = f"{where}.{name}" + (f"[{place}]" if isinstance(value, list) else "")
                if found := _unknown(inner, one, at):
                    return found
    return ""


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a field's type, such as that of a tuple of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {tuple, Union, UnionType}:
        return [found for inner in get_args(annotation) for found in _models(inner)]
    return []
