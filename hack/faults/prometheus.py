"""The faults of a Prometheus by name: what it answers in place of what it should."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hack.faults.effects import Hang, Refused, RequestEffect, Rewritten, Slow

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def _rewritten(change: Change, *warnings: str) -> Rewritten:
    """The series of a good answer, changed; what is no good answer stays as it is."""

    def rewrite(body: bytes) -> bytes:
        said = json.loads(body)
        data = said.get("data") or {}
        if data.get("resultType") not in {"vector", "matrix"}:
            return body
        data["result"] = change(data["result"])
        if warnings:
            said["warnings"] = list(warnings)
        return json.dumps(said).encode()

    return Rewritten(rewrite)


def _valued(text: str) -> Rewritten:
    """Every sample with another value."""

    def change(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for one in series:
            if "value" in one:
                one["value"][1] = text
            for sample in one.get("values", ()):
                sample[1] = text
        return series

    return _rewritten(change)


ANSWERS: Mapping[str, RequestEffect] = {
    "hung": Hang(),
    "slow": Slow(3.0),
    "too slow": Slow(10.0),
    "503": Refused(503, body=b"upstream connect error", content_type="text/plain"),
    "HTML": Refused(200, body=b"<!doctype html><p>Log in</p>", content_type="text/html"),
    "empty": _rewritten(lambda _: []),
    "NaN": _valued("NaN"),
    "infinite": _valued("+Inf"),
    "partial": _rewritten(lambda series: series[::2], "a store did not answer"),
}
"""What may befall a query."""
