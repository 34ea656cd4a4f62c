"""What the operators of a test run asked for, read from the audit log before a cluster goes."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hack.cluster.binaries import ROOT
from operators.runtime.rights import Right

FOUND = ROOT / "build" / "rights"
"""Where it is kept, a file for each cluster of the run."""
_NOTES = "operators.jsonl"
_USER = re.compile(r'"username":"([^"]+)"')
_TEST = re.compile(r"[^\[ ]+")


class Mode(StrEnum):
    """How the rights were granted."""

    NAMESPACED = "namespaced"
    """By Roles in the one namespace that is served."""
    CLUSTER_WIDE = "cluster-wide"
    """By a ClusterRole."""


@dataclass(frozen=True)
class Use:
    """A right that was made use of, or that was asked for and refused."""

    test: str
    """As ``file::function``."""
    mode: Mode
    right: Right
    everywhere: bool
    """Whether in all namespaces at once."""


def note(folder: Path, user: str, mode: Mode, test: str) -> None:
    """Has the cluster of that folder remember that a test runs an operator as that user.

    ``test`` as pytest names it in PYTEST_CURRENT_TEST.
    """
    found = _TEST.match(test)
    said = {"user": user, "mode": mode, "test": found[0] if found else test}
    with (folder / _NOTES).open("a") as file:
        file.write(json.dumps(said) + "\n")


def keep(folder: Path, into: Path = FOUND) -> None:
    """Writes down what the operators of a cluster that is about to go asked for; once for each."""
    notes = folder / _NOTES
    if not notes.is_file():
        return
    operators: dict[str, list[Mapping[str, str]]] = {}
    for line in notes.read_text().splitlines():
        one = json.loads(line)
        operators.setdefault(one["user"], []).append(one)
    with (folder / "log" / "audit.log").open() as log:
        asked = {user: list(found) for user, found in _asked(log, operators).items()}
    into.mkdir(parents=True, exist_ok=True)
    with (into / f"{uuid.uuid4().hex}.jsonl").open("w") as file:
        for user, ones in operators.items():
            for one in ones:
                file.write(json.dumps({**one, "asked": asked[user]}) + "\n")


def read(folder: Path = FOUND) -> list[Use]:
    """All that was written down of a run."""
    texts = (file.read_text() for file in sorted(folder.glob("*.jsonl")))
    return [
        Use(one["test"], Mode(one["mode"]), Right(*right), everywhere)
        for text in texts
        for one in map(json.loads, text.splitlines())
        for *right, everywhere in one["asked"]
    ]


def _asked(log: Iterable[str], users: Iterable[str]) -> dict[str, set[tuple[Any, ...]]]:
    """By user, each right with whether it was asked for in all namespaces."""
    found: dict[str, set[tuple[Any, ...]]] = {user: set() for user in users}
    for line in log:
        user = _USER.search(line)
        if user and user[1] in found and line.endswith("\n"):
            found[user[1]].add(tuple(_right(json.loads(line))))
    return found


def _right(event: Mapping[str, Any]) -> Iterator[object]:
    about = event.get("objectRef")
    yield event["verb"]
    if about is None:
        path = event["requestURI"].partition("?")[0]
        yield from ("", "/" + path.split("/")[1], True)
        return
    part = about.get("subresource")
    yield about.get("apiGroup", "")
    yield about["resource"] + (f"/{part}" if part else "")
    yield not about.get("namespace")
