"""What the models of every kind share: wire names, durations, decimals and conditions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from controllers.plan import Resource

GROUP = "modelyard.dev"
VERSION = "v1alpha1"
CATEGORY = "modelyard"

_DURATION = re.compile(r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Model(BaseModel):
    """A part of an object: snake_case here, camelCase on the wire, unknown fields left to the server."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        frozen=True,
        extra="ignore",
    )

    def wire(self) -> dict[str, Any]:
        """The object as the API server keeps it: camelCase, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*pairs: tuple[str, str]) -> ConfigDict:
    """CEL rules of a model, each with the message that a refused user reads.

    A rule that needs ``oldSelf`` makes the server apply it to updates only.
    """
    return ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [{"rule": rule, "message": why} for rule, why in pairs]
        }
    )


def seconds(text: str) -> float:
    """The seconds of a Go-style duration such as ``90s`` or ``1h30m``; ValueError says what is wrong."""
    if not _DURATION.match(text):
        raise ValueError(f"{text!r} is no duration such as 90s, 15m or 1h30m")
    return sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"([0-9]+)(ms|h|m|s)", text))


def go_duration(value: float) -> str:
    """Seconds as the shortest Go-style duration, to the millisecond."""
    millis = round(value * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, millis = divmod(millis, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def decimal(value: float, digits: int = 6) -> str:
    """A number as the wire has it: plain decimal text, rounded to significant digits."""
    return f"{float(f'{value:.{digits}g}'):.12f}".rstrip("0").rstrip(".") or "0"


def _from_wire_duration(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


Duration = Annotated[
    float,
    BeforeValidator(_from_wire_duration),
    PlainSerializer(go_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "maxLength": 20, "pattern": _DURATION.pattern}),
]
"""Seconds here, a Go-style string such as ``90s`` on the wire."""

WholeSeconds = Annotated[
    float,
    BeforeValidator(_from_wire_duration),
    PlainSerializer(lambda value: f"{value:.0f}s", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "maxLength": 20, "pattern": r"^([0-9]{1,5}(h|m|s)){1,3}$"}),
]
"""A duration without a fraction of a second."""

Decimal = Annotated[
    float,
    BeforeValidator(lambda value: float(value) if isinstance(value, str) else value),
    PlainSerializer(decimal, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "maxLength": 24, "pattern": r"^-?[0-9]{1,10}(\.[0-9]{1,12})?$"}
    ),
]
"""A number that need not be whole; a plain decimal string such as ``"0.05"`` on the wire."""

Label = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
]
"""A DNS label: lower-case letters, digits and dashes, at most 63."""

Text = Annotated[str, Field(max_length=1024)]
"""A sentence or two for a person."""

Timestamp = Annotated[str, Field(max_length=40)]
"""An RFC 3339 time in UTC."""


def _instant(value: object) -> object:
    return int(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else value


Instant = Annotated[
    int,
    BeforeValidator(_instant),
    PlainSerializer(
        lambda value: datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        return_type=str,
        when_used="json",
    ),
    WithJsonSchema({"type": "string", "maxLength": 40}),
]
"""Unix seconds here, an RFC 3339 time on the wire."""


class Condition(Model):
    """One aspect of an object, in the standard Kubernetes form."""

    type: Annotated[str, Field(max_length=63)]
    """What the condition is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=63)]
    """One PascalCase word for machines."""
    message: Text = ""
    """The numbers or the fix, for people."""
    observed_generation: int = 0
    """The generation of the spec this was said of."""
    last_transition_time: Timestamp = ""
    """When ``status`` last changed."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


@dataclass(frozen=True)
class Column:
    """One column of ``kubectl get``."""

    name: str
    path: str
    type: Literal["string", "integer", "date", "boolean", "number"] = "string"
    description: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Crd:
    """All that the CustomResourceDefinition of a kind says beside its schema."""

    kind: str
    plural: str
    singular: str
    short_names: Sequence[str]
    spec: type[Model]
    status: type[Model]
    columns: Sequence[Column]
    description: str
    conditions: Mapping[str, str]
    """What each condition of the kind says when it is True."""
    annotations: Mapping[str, str]
    """What a person may say by annotation."""
    examples: Mapping[str, Mapping[str, Any]]
    """Specs by name that a user may start from; each is created on a real API server by a test."""

    @property
    def resource(self) -> Resource:
        """The kind in the API server's terms."""
        return Resource(GROUP, VERSION, self.plural, self.kind)
