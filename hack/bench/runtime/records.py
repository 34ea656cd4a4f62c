"""What the API server's audit log says of one stretch of time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controllers.plan import Resource
from hack.bench.runtime.operator import USER
from operators.runtime.objects import Key

_WRITES = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True)
class Write:
    """One write that the API server let pass; times are unix seconds."""

    user: str
    resource: str
    subresource: str
    key: Key
    received: float
    done: float
    sent: dict[str, Any]
    became: dict[str, Any]


class Records:
    """The writes from its making on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log" / "audit.log"
        self._start = self._path.stat().st_size

    def writes(self) -> Iterator[Write]:
        """Oldest first, without those that were refused."""
        with self._path.open("rb") as log:
            log.seek(self._start)
            for line in log:
                if line.endswith(b"\n"):
                    event = json.loads(line)
                    if event["verb"] in _WRITES and event["responseStatus"]["code"] < 300:
                        yield _write(event)


def _write(event: dict[str, Any]) -> Write:
    about = event["objectRef"]
    return Write(
        user=event["user"]["username"],
        resource=about["resource"],
        subresource=about.get("subresource", ""),
        key=Key(about.get("namespace", ""), about.get("name", "")),
        received=_seconds(event["requestReceivedTimestamp"]),
        done=_seconds(event["stageTimestamp"]),
        sent=event.get("requestObject") or {},
        became=event.get("responseObject") or {},
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def by_operator(records: Records) -> list[Write]:
    """Everything the operator wrote."""
    return [write for write in records.writes() if write.user == USER]


@dataclass(frozen=True)
class Changes:
    """Changed specs: seconds until the status named the generation, and of the bare change."""

    answered: list[float]
    bare: list[float]
    unanswered: int


def changes(records: Records, kind: Resource) -> Changes:
    """From the arrival of a changed spec to the end of the operator's write of its status."""
    waiting: dict[Key, tuple[int, float]] = {}
    answered: list[float] = []
    bare: list[float] = []
    for write in sorted(records.writes(), key=lambda one: one.done):
        if write.resource != kind.plural:
            continue
        if write.user != USER:
            waiting[write.key] = (write.became["metadata"]["generation"], write.received)
            bare.append(write.done - write.received)
        elif write.subresource == "status" and write.key in waiting:
            generation, since = waiting[write.key]
            if write.became["status"].get("observedGeneration", 0) >= generation:
                answered.append(write.done - since)
                del waiting[write.key]
    return Changes(answered, bare, len(waiting))
