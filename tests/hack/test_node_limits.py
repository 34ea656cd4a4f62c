"""What a node needs raised on the machine comes down again with the last node, and not before."""

from pathlib import Path

import pytest

from hack.cluster.node import limits


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the kernel's file, as the real one is other clusters' too."""
    file = tmp_path / "max_user_instances"
    file.write_text("128\n")
    monkeypatch.setattr(limits, "_SETTING", file)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return file


def test_the_last_node_that_goes_brings_back_what_was_before_the_first(setting: Path) -> None:
    limits.lift()
    limits.lift()
    assert int(setting.read_text()) == 1024
    limits.restore(iter([Path("yard-other")]))
    assert int(setting.read_text()) == 1024
    limits.restore(iter([]))
    assert setting.read_text() == "128\n"


def test_a_machine_that_allows_enough_is_left_alone(setting: Path) -> None:
    setting.write_text("8192\n")
    limits.lift()
    limits.restore(iter([]))
    assert setting.read_text() == "8192\n"
