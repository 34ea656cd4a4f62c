"""The demo on the real cluster: it ends well, and however it ends it leaves nothing behind."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import binaries
from hack.cluster.process import Process
from hack.demo.stage import PROGRAMS
from tests.hack.demo.playing import named, nothing_is_left, playing, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def name() -> Iterator[str]:
    with named(_folder, PROGRAMS) as chosen:
        yield chosen


def _folder(name: str) -> Path:
    return binaries.ROOT / ".cluster" / f"demo-{name}"


def test_a_good_version_is_promoted_and_a_faulty_one_rolled_back(name: str) -> None:
    with playing("hack.demo", name) as demo:
        told, _ = demo.communicate(timeout=480)
    assert demo.returncode == 0, told
    promoted = re.search(r"version 2 was promoted .* evidence ([0-9.]+) of 20", told)
    assert promoted, told
    assert float(promoted[1]) >= 20
    back = re.search(r"version 3 was rolled back: ([0-9.]+) s .* ([0-9]+) of its ([0-9]+)", told)
    assert back, told
    assert 0 < int(back[2]) < int(back[3])
    assert nothing_is_left(_folder(name))


def test_interrupted_it_takes_everything_away(name: str) -> None:
    with playing("hack.demo", name) as demo:
        until(demo, "Adopted")
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, told
    assert "interrupted" in told
    assert nothing_is_left(_folder(name))


def test_a_part_that_dies_is_named_with_its_last_log_lines(name: str) -> None:
    with playing("hack.demo", name) as demo:
        until(demo, "Adopted")
        Process("operator", _folder(name)).stop(grace=0.0)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1, told
    assert "error: operator died; " in told
    assert "operator.log ends with:\n  " in told
    assert nothing_is_left(_folder(name))
