"""History read back from a real Prometheus that was filled from a file, and goes away amid it."""

import asyncio
import math
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from controllers.readings import Answer, Answered, Query
from hack.cluster.process import Process
from hack.cluster.site import answers, binary, environment
from operators.runtime.telemetry import Telemetry
from operators.sources.history import History
from operators.sources.prometheus import Prometheus
from tests.cluster.operator import free_port

pytestmark = pytest.mark.cluster

STEP = 60
HOURS = 12
END = int(time.time()) // 3600 * 3600 - 3600
NAMES = ("llm", "vision", "speech")


def _truth(name: str, at: int) -> float:
    """The gauge at a minute; now and then, and for an hour of one of them, there is no sample."""
    minute = at // STEP
    away = name == "vision" and END - 5 * 3600 < at <= END - 4 * 3600
    if away or (minute + len(name)) % 37 == 0:
        return math.nan
    return float((minute * 7 + len(name)) % 1001) / 8


class Filled:
    """A Prometheus of its own over back-filled blocks, which may be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = Process("prometheus", folder)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 60s}\n")
        (folder / "samples.txt").write_text("".join(self._lines()))
        command = [str(binary("promtool")), "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run(
            [*command, str(folder / "samples.txt"), str(folder / "data")],
            check=True,
            capture_output=True,
            timeout=60,
            env=environment({}),
        )

    def _lines(self) -> Iterator[str]:
        yield "# TYPE load gauge\n"
        for name in NAMES:
            for at in range(END - HOURS * 3600, END + 1, STEP):
                if not math.isnan(value := _truth(name, at)):
                    yield f'load{{target="{name}"}} {value} {at}\n'
        yield "# EOF\n"

    def start(self) -> None:
        self._process.start(
            [
                str(binary("prometheus")),
                f"--config.file={self._folder}/prometheus.yml",
                f"--storage.tsdb.path={self._folder}/data",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--log.level=warn",
            ],
            environment({}),
        )
        self._process.await_ready(lambda: answers(self._port, "/-/ready"), seconds=30)

    def stop(self) -> None:
        self._process.stop(grace=0.0)


@pytest.fixture
def filled(built: None, tmp_path: Path) -> Iterator[Filled]:
    one = Filled(tmp_path)
    one.start()
    try:
        yield one
    finally:
        one.stop()


async def _until_read(history: History, query: Query, since: float) -> Answer:
    """Asks as a loop does until it has been read from that instant on."""
    for _ in range(300):
        answered = await history.answer(query)
        if isinstance(answered, Answer) and answered.since <= since:
            return answered
        await asyncio.sleep(0.1)
    raise AssertionError(f"not read in time: {answered}")


def _same(answer: Answer) -> None:
    assert sorted(labels for (labels,) in answer.by("target")) == sorted(NAMES)
    for name in NAMES:
        (one,) = answer.by("target")[(name,)]
        expected = [_truth(name, round(at)) for at in one.times]
        np.testing.assert_array_equal(one.values, np.array(expected, dtype=np.float32))


def test_what_is_read_back_is_what_was_recorded_gaps_and_all_and_an_outage_delays_it(
    filled: Filled,
) -> None:
    half = Query("load", END - 6 * 3600, lookback=30.0, span=3 * 3600.0, step=STEP)
    whole = Query("load", END, lookback=30.0, span=HOURS * 3600.0, step=STEP)

    async def story() -> tuple[Answer, Answered, Answer]:
        source = Prometheus(filled.url, Telemetry())
        history = History(source)
        first = await _until_read(history, half, half.at - half.span)
        filled.stop()
        await history.answer(whole)
        await asyncio.sleep(0.5)
        away = await history.answer(whole)
        filled.start()
        last = await _until_read(history, whole, whole.at - whole.span)
        while last.series[0].times[-1] < END:
            await asyncio.sleep(0.1)
            last = await _until_read(history, whole, whole.at - whole.span)
        history.close()
        source.close()
        return first, away, last

    first, away, last = asyncio.run(story())
    _same(first)
    assert len(first.series[0].times) == 181
    assert isinstance(away, Answer)
    _same(away)
    assert away.series[0].times[-1] == half.at
    assert "cannot be reached" in away.warnings[0]
    _same(last)
    assert len(last.series[0].times) == HOURS * 60 + 1
    assert last.warnings == ()


def test_a_query_that_is_wrong_is_missing_with_what_prometheus_says(filled: Filled) -> None:
    async def story() -> Answered:
        source = Prometheus(filled.url, Telemetry())
        history = History(source)
        query = Query("load{", END, span=3600.0, step=STEP)
        answered = await history.answer(query)
        for _ in range(100):
            if not isinstance(answered, Answer):
                break
            await asyncio.sleep(0.05)
            answered = await history.answer(query)
        history.close()
        source.close()
        return answered

    answered = asyncio.run(story())
    assert not isinstance(answered, Answer)
    assert answered.detail.startswith("the query is wrong: ")
