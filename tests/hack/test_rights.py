"""The proof of the rights finds what it looks for, and every rule names a test that exists."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from hack.generate.files import ROOT
from hack.rights.proof import faults, rows
from hack.rights.used import Mode, Use, keep, note, read
from operators.kinds import RULES
from operators.runtime.rights import EVERYONE, Right, Rule

SHOWN = "tests/cluster/test_toys.py::test_a_toy"
OTHER = "tests/cluster/test_toys.py::test_another"
LIST, PATCH = Right("list", "example.org", "toys"), Right("patch", "example.org", "toys/status")
TOYS = [
    Rule(("example.org",), ("toys",), ("list",), "to see", SHOWN),
    Rule(("example.org",), ("toys/status",), ("patch",), "to tell", SHOWN),
]
GOOD = [
    Use(SHOWN, Mode.NAMESPACED, LIST, everywhere=False),
    Use(SHOWN, Mode.NAMESPACED, PATCH, everywhere=False),
    Use(OTHER, Mode.CLUSTER_WIDE, LIST, everywhere=True),
    Use(OTHER, Mode.CLUSTER_WIDE, PATCH, everywhere=False),
    *(Use(OTHER, mode, right, everywhere=True) for mode in Mode for right in EVERYONE),
]
DELETE = Right("delete", "example.org", "toys")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.resources[0]}-{rule.verbs[0]}")
def test_a_rule_names_a_test_that_exists(rule: Rule) -> None:
    file, _, name = rule.shown_by.partition("::")
    body = ast.parse((ROOT / file).read_text()).body
    assert name in {one.name for one in body if isinstance(one, ast.FunctionDef)}


def test_a_run_that_used_all_and_nothing_else_has_no_fault() -> None:
    assert faults(GOOD, TOYS) == []
    assert rows(GOOD, TOYS) == [
        ("list toys.example.org", "1", "1", SHOWN),
        ("patch toys.example.org/status", "1", "1", SHOWN),
    ]


@pytest.mark.parametrize(
    ("more", "less", "said"),
    [
        (
            Use(OTHER, Mode.CLUSTER_WIDE, DELETE, everywhere=False),
            None,
            f"cluster-wide: used and not granted: delete toys.example.org, in {OTHER}",
        ),
        (
            Use(OTHER, Mode.NAMESPACED, LIST, everywhere=True),
            None,
            "namespaced: used and not granted: list toys.example.org in all namespaces",
        ),
        (None, GOOD[3], "cluster-wide: granted and never used: patch toys.example.org/status"),
        (None, GOOD[1], f"{SHOWN} did not use: patch toys.example.org/status"),
    ],
)
def test_each_fault_is_found(more: Use | None, less: Use | None, said: str) -> None:
    run = [one for one in GOOD if one != less] + ([more] if more else [])
    assert any(line.startswith(said) for line in faults(run, TOYS))


def event(user: str, verb: str, resource: str = "", namespace: str = "", **more: Any) -> str:
    about = {"resource": resource, "namespace": namespace, "apiGroup": "example.org", **more}
    told = {"verb": verb, "user": {"username": user}, "requestURI": "/openapi/v3?hash=1"}
    said = {**told, "objectRef": about} if resource else told
    return json.dumps(said, separators=(",", ":")) + "\n"


def test_what_the_operators_of_a_cluster_asked_for_outlives_it(tmp_path: Path) -> None:
    folder, found = tmp_path / "cluster", tmp_path / "found"
    (folder / "log").mkdir(parents=True)
    keep(folder, found)
    assert read(found) == [], "nobody ran an operator there"

    note(folder, "ours", Mode.NAMESPACED, f"{SHOWN}[a b] (setup)")
    note(folder, "wide", Mode.CLUSTER_WIDE, f"{OTHER} (call)")
    log = [
        event("ours", "list", "toys", "ns"),
        event("ours", "list", "toys", "ns"),
        event("admin", "delete", "toys", "ns"),
        event("wide", "patch", "toys", "ns", subresource="status"),
        event("wide", "get"),
        event("wide", "list", "toys").rstrip(),
    ]
    (folder / "log" / "audit.log").write_text("".join(log))
    keep(folder, found)
    assert set(read(found)) == {
        Use(SHOWN, Mode.NAMESPACED, LIST, everywhere=False),
        Use(OTHER, Mode.CLUSTER_WIDE, PATCH, everywhere=False),
        Use(OTHER, Mode.CLUSTER_WIDE, Right("get", "", "/openapi"), everywhere=True),
    }
