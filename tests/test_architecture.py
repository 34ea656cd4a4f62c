"""The import rules hold, each would notice a breach, and every dependency has its reason."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hack.generate.files import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES = CONTRACTS["root_packages"]
BREACHES = {
    "One arrow": ("controllers/plan.py", "import operators.runtime.rights"),
    "The core is pure": ("controllers/readings.py", "from time import monotonic"),
    "Only the gateway to the API server": ("operators/runtime/loop.py", "import kubernetes.aio"),
    "Only the gateway to Prometheus": ("operators/cli/run.py", "import prometheus_api_client"),
    "Only one module knows kopf": ("operators/runtime/queue.py", "import kopf"),
    "Only telemetry": ("operators/sources/prometheus.py", "import prometheus_client"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of the sources alone."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_rule_has_a_breach_here() -> None:
    names = {contract["name"] for contract in CONTRACTS["contracts"]}
    assert len(names) == len(BREACHES)
    assert all(any(name.startswith(start) for start in BREACHES) for name in names)


def test_the_house_keeps_its_rules(copy: Path) -> None:
    assert set(_verdicts(copy).values()) == {"KEPT"}


def test_a_breach_of_each_rule_is_noticed(copy: Path) -> None:
    for file, line in BREACHES.values():
        with (copy / file).open("a") as source:
            source.write(f"\n{line}\n")
    assert set(_verdicts(copy).values()) == {"BROKEN"}


def test_every_direct_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text()
    lines = [
        line.strip()
        for file in (ROOT / "requirements").glob("*.in")
        for line in file.read_text().splitlines()
    ]
    names = {re.split(r"[<>=~ ]", line)[0] for line in lines if line and line[0] not in "#-"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", page)] == []


def _verdicts(checkout: Path) -> dict[str, str]:
    """KEPT or BROKEN for each contract, by how its name begins."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(program), "--no-cache"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = " ".join(done.stdout.split())
    found = {start: re.search(rf"{start}.*?(KEPT|BROKEN)", said) for start in BREACHES}
    assert all(found.values()), done.stdout + done.stderr
    return {start: match[1] for start, match in found.items() if match}
