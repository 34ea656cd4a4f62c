"""The demo of the autoscaler on the real cluster: the peak is met, and nothing is left behind."""

import re
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from hack.cluster.process import Process
from hack.demo.autoscaler.__main__ import DEMO
from hack.demo.autoscaler.stage import PROGRAMS
from hack.demo.command import folder
from tests.hack.demo.playing import named, nothing_is_left, playing, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def name() -> Iterator[str]:
    with named(partial(folder, DEMO), PROGRAMS) as chosen:
        yield chosen


def test_the_peak_is_met_ahead_of_time_and_not_under_the_hpa(name: str) -> None:
    with playing(DEMO.program, name) as demo:
        told, _ = demo.communicate(timeout=500)
    assert demo.returncode == 0, told
    assert re.search(r"modelyard ScaledUp: from 3 to \d+ replicas: Forecast asks for", told), told
    found = re.findall(
        r"(\w+): (\d+) replicas ready when the peak began, (\d+) needed; ([0-9.]+) % of", told
    )
    (ours, ready, need, missed), (theirs, _, _, others) = found
    assert (ours, theirs) == ("modelyard", "hpa")
    assert int(ready) >= int(need)
    assert float(missed) < float(others)
    assert nothing_is_left(folder(DEMO, name))


def test_interrupted_it_takes_everything_away_and_names_what_died_before(name: str) -> None:
    with playing(DEMO.program, name) as demo:
        until(demo, "the peak begins in")
        Process("external-metrics", folder(DEMO, name)).stop(grace=0.0)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1, told
    assert "error: external-metrics died; " in told
    assert nothing_is_left(folder(DEMO, name))
    with playing(DEMO.program, name) as demo:
        until(demo, "starting prometheus")
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, told
    assert "interrupted" in told
    assert nothing_is_left(folder(DEMO, name))
