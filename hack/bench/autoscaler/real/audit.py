"""What the controller wrote and when, as the API server's audit log has it."""

import datetime
import json
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

USER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
"""How the audit log calls the controller."""
_PATIENCE = 2.0


class Write(NamedTuple):
    """One update by the controller that was answered with success; times in seconds."""

    subresource: str
    """``scale`` of a target, or ``status`` of the autoscaler, which follows it."""
    received: float
    answered: float


class Audit:
    """The log, read on as it grows; any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log" / "audit.log"
        self._read, self._lock = 0, threading.Lock()
        self._writes: dict[str, list[Write]] = defaultdict(list)

    def writes(self, namespace: str, since: float = 0.0, *, scaled: bool = False) -> list[Write]:
        """The writes in a namespace that were received at ``since`` or later, oldest first.

        With ``scaled`` there is a write of the scale among them, whose line may not be there yet.
        """
        limit = time.monotonic() + _PATIENCE
        while True:
            with self._lock:
                self._read_on()
                found = [one for one in self._writes[namespace] if one.received >= since]
            known = any(one.subresource == "scale" for one in found)
            if known or not scaled or time.monotonic() > limit:
                return sorted(found, key=lambda one: one.received)
            time.sleep(0.05)

    def _read_on(self) -> None:
        with self._path.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):  # half written
                    return
                self._read += len(line)
                if USER.encode() in line and b'"verb":"update"' in line:
                    self._note(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        where = event["objectRef"]
        if event["responseStatus"]["code"] == 200 and "namespace" in where:
            write = Write(
                where.get("subresource", ""),
                _seconds(event["requestReceivedTimestamp"]),
                _seconds(event["stageTimestamp"]),
            )
            self._writes[where["namespace"]].append(write)


def _seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()
