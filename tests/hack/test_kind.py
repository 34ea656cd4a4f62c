"""What can be shown of the path over kind without a container engine."""

import subprocess
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.istio import GATEWAY, LABELS, NAMESPACE

KIND = binaries.ROOT / "hack" / "kind"


@pytest.fixture(scope="session")
def kind() -> Path:
    """The real kind, built where it is missing, in some seconds."""
    return binaries.ensure(["kind"])["kind"]


def said(kind: Path, config: str, empty: Path) -> str:
    """What kind says of a config on a machine without a container engine."""
    done = subprocess.run(
        [str(kind), "create", "cluster", "--config=-"],
        input=config,
        env={"PATH": str(empty), "HOME": str(empty)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode
    return done.stderr


def test_kind_reads_the_config_and_asks_for_a_container_engine_next(
    kind: Path, tmp_path: Path
) -> None:
    heard = said(kind, (KIND / "kind-config.yaml").read_text(), tmp_path)
    assert "docker" in heard
    assert "config" not in heard


@pytest.mark.parametrize("field", ["nodes", "extraPortMappings", "hostPort", "listenAddress"])
def test_kind_refuses_a_field_that_is_misspelt(kind: Path, tmp_path: Path, field: str) -> None:
    text = (KIND / "kind-config.yaml").read_text()
    assert field in text
    heard = said(kind, text.replace(field, f"{field}X"), tmp_path)
    assert f"field {field}X not found" in heard


def test_the_script_parses_and_the_gateway_is_that_of_the_local_cluster() -> None:
    subprocess.run(["bash", "-n", str(KIND / "up")], check=True)
    gateway = (KIND / "gateway.yaml").read_text()
    assert f"name: {GATEWAY}\n  namespace: {NAMESPACE}\n" in gateway
    assert all(f"{name}: {value}" in gateway for name, value in LABELS.items())
