"""Samples of the past, written as OpenMetrics and made into Prometheus' own blocks by promtool."""

import http.client
import json
import math
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from hack.cluster.site import Site, binary, environment

_LONGEST = "54h"  # of a block; promtool reads the whole text once for each
_SEEN = 30.0  # seconds in which Prometheus has to see the new blocks


class BackfillError(Exception):
    """promtool or Prometheus did not take the samples; the message holds what it said."""


def load(site: Site, series: Mapping[str, Sequence[float]], *, start: float, step: float) -> None:
    """See ``Cluster.backfill``."""
    last = start + step * (max(map(len, series.values()), default=0) - 1)
    if last > time.time():
        raise ValueError(f"the last sample is {last - time.time():.0f} s in the future")
    folder = site.folder / "data" / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        text = Path(scratch, "samples.txt")
        with text.open("w") as file:
            _write(file, series, start, step)
        _make_blocks(text, folder)
    if site.process("prometheus").pid() is not None:
        _await(site, series, start, step)


def _write(file: TextIO, series: Mapping[str, Sequence[float]], start: float, step: float) -> None:
    for name, values in series.items():
        for number, value in enumerate(values):
            if not math.isnan(value):
                file.write(f"{name} {value!r} {start + number * step:.3f}\n")
    file.write("# EOF\n")


def _make_blocks(text: Path, folder: Path) -> None:
    done = subprocess.run(
        [
            *(str(binary("promtool")), "tsdb", "create-blocks-from", "--quiet"),
            *(f"--max-block-duration={_LONGEST}", "openmetrics", str(text), str(folder)),
        ],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise BackfillError(f"promtool refused the samples: {done.stderr.strip()}")


def _await(site: Site, series: Mapping[str, Sequence[float]], start: float, step: float) -> None:
    """Returns once Prometheus has the first sample of the first series that has any."""
    found = (
        (name, start + number * step)
        for name, values in series.items()
        for number, value in enumerate(values)
        if not math.isnan(value)
    )
    name, at = next(found, ("", 0.0))
    deadline = time.monotonic() + _SEEN
    while name and not _answer(site, name, at):
        if time.monotonic() > deadline:
            raise BackfillError(f"Prometheus has no {name} at {at:.0f} after {_SEEN:.0f} s")
        time.sleep(0.1)


def _answer(site: Site, name: str, at: float) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", site.port("prometheus"), timeout=5)
    try:
        connection.request("GET", f"/api/v1/query?query={quote(name)}&time={at:.3f}")
        return bool(json.loads(connection.getresponse().read())["data"]["result"])
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
