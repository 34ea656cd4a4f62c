"""What the API server's answers hold, and the typed error of one that is none."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from operators.runtime.errors import (
    Conflict,
    Forbidden,
    GatewayError,
    Gone,
    Invalid,
    NotFound,
    Unavailable,
)
from operators.runtime.objects import Obj, version_of

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError)


def parse(text: str, what: str) -> Obj:
    """The JSON object in an answer.

    A login page, or an error of something between us and the API server, is Unavailable.
    """
    answer: Any = None
    with suppress(ValueError):
        answer = json.loads(text)
    if not isinstance(answer, dict):
        raise Unavailable(f"{what}: the answer is no JSON object: {text[:80]!r}")
    return answer


def parse_object(answer: Obj, what: str) -> Obj:
    """An answer that is to be an object with a version; Unavailable where it is none."""
    try:
        answer["metadata"]["resourceVersion"]
        version_of(answer)
    except _MALFORMED as error:
        raise Unavailable(f"{what}: the answer is no object: {str(answer)[:80]}") from error
    return answer


def parse_list(page: Obj, what: str) -> list[Obj]:
    """The items of a page of a list; Unavailable where it is none."""
    if not isinstance(parse_object(page, what).get("items"), list):
        raise Unavailable(f"{what}: the answer is no list")
    items: list[Obj] = page["items"]
    return items


def parse_event(line: bytes, what: str) -> Obj:
    """An event of a watch; raises what an ERROR among them says, and Unavailable for no event."""
    try:
        event: Obj = json.loads(line)
        kind, obj = event["type"], event["object"]
        code = int(obj.get("code", 500))
        version_of(obj)
    except _MALFORMED as error:
        raise Unavailable(f"{what}: no event: {line[:80]!r}") from error
    if kind == "ERROR":
        raise refusal(code, json.dumps(obj), {})
    return event


def refusal(status: int, text: str, headers: Mapping[str, str]) -> GatewayError:
    """The typed error of an answer that is none."""
    try:
        message = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        message = text[:200]
    kinds: Mapping[int, type[GatewayError]] = {
        400: Invalid, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone, 422: Invalid,
    }  # fmt: skip
    if kind := kinds.get(status):
        return kind(message)
    after = headers.get("Retry-After", "")
    return Unavailable(f"{status}: {message}", float(after) if after.isdigit() else 0.0)
