"""An open-loop load on the gateway, steady or not, and what each request was answered."""

import argparse
import asyncio
import contextlib
import ipaddress
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TextIO
from urllib.parse import urlsplit

import aiohttp

from hack.cluster.binaries import ROOT
from hack.cluster.process import Process
from hack.cluster.rate import Points, due, parse, written
from hack.cluster.site import environment

_MOST_REQUESTS, _MOST_OPEN, _TIMEOUT = 2_000_000, 4_000, 10.0


@dataclass(frozen=True)
class Answer:
    """One request: when it was due and answered, and by whom.

    ``at`` is Unix time and ``clock`` the machine's monotonic clock, both at the answer; ``seconds``
    counts from when the request was due, so that waiting in this process is not hidden; ``status``
    is 0 when there was no answer.
    """

    at: float
    clock: float
    status: int
    version: str
    seconds: float


def by_version(answers: Sequence[Answer]) -> dict[str, tuple[int, int]]:
    """For each version its answers, and how many of these were 500 or more, or never came."""
    total = Counter(answer.version for answer in answers)
    bad = Counter(answer.version for answer in answers if not 0 < answer.status < 500)
    return {version: (count, bad[version]) for version, count in sorted(total.items())}


def offered_and_answered(answers: Sequence[Answer], width: float = 1.0) -> list[tuple[int, int]]:
    """For each bin of ``width`` seconds the requests due in it, and the good answers that came.

    The first bin begins with the first request; what is still open is in neither number.
    """
    if not answers:
        return []
    first = min(answer.clock - answer.seconds for answer in answers)
    offered = Counter(int((answer.clock - answer.seconds - first) / width) for answer in answers)
    answered = Counter(
        int((answer.clock - first) / width) for answer in answers if 0 < answer.status < 500
    )
    return [(offered[index], answered[index]) for index in range(max(offered | answered) + 1)]


@dataclass(frozen=True)
class Traffic:
    """A running load; it ends by itself after its seconds."""

    process: Process
    file: Path

    @classmethod
    def start(
        cls,
        process: Process,
        *,
        url: str,
        host: str,
        rps: float | Points,
        seconds: float,
        bodies: Path | None = None,
    ) -> Self:
        """Starts the load as a process; requests go out when they are due, answered or not.

        They are GETs or, where a file of ``bodies`` is given, POSTs of its lines in turn.
        """
        file = process.folder / "traffic" / f"{process.name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        process.start(
            [
                *(sys.executable, "-m", "hack.cluster.traffic", "--url", url, "--host", host),
                *("--rps", written(rps) if isinstance(rps, Sequence) else str(rps)),
                *("--seconds", str(seconds), "--file", str(file)),
                *(("--bodies", str(bodies)) if bodies else ()),
            ],
            environment({"PYTHONPATH": str(ROOT)}),
        )
        return cls(process, file)

    def answers(self) -> list[Answer]:
        """Every answer so far, in the order in which they came."""
        with self.file.open() as lines:
            return [Answer(**json.loads(line)) for line in lines if line.endswith("\n")]

    def running(self) -> bool:
        return self.process.pid() is not None

    def wait(self, seconds: float) -> list[Answer]:
        """Every answer, once the load has ended; raises TimeoutError when it has not in time."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.process.name} still runs after {seconds:.0f} s")
            time.sleep(0.05)
        return self.answers()

    def stop(self) -> list[Answer]:
        """Ends the load and returns every answer."""
        self.process.stop(grace=2.0)
        return self.answers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


async def load(
    url: str, host: str, rps: Points, seconds: float, file: TextIO, bodies: Sequence[bytes] = ()
) -> None:
    """Sends the requests that are due within ``seconds`` and writes each answer as a line."""
    turn = itertools.cycle(bodies or (None,))
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    connector = aiohttp.TCPConnector(limit=_MOST_OPEN)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        first = time.monotonic()
        open_requests: set[asyncio.Task[None]] = set()
        for after in itertools.islice(due(rps, seconds), _MOST_REQUESTS):
            await asyncio.sleep(max(0.0, first + after - time.monotonic()))
            ask = _ask(session, url, host, first + after, file, next(turn))
            request = asyncio.create_task(ask)
            open_requests.add(request)
            request.add_done_callback(open_requests.discard)
        await asyncio.gather(*open_requests)


async def _ask(
    session: aiohttp.ClientSession,
    url: str,
    host: str,
    due: float,
    file: TextIO,
    body: bytes | None,
) -> None:
    status, version = 0, ""
    method = "GET" if body is None else "POST"
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with session.request(method, url, headers={"Host": host}, data=body) as answer:
            await answer.read()
            status, version = answer.status, answer.headers.get("x-model-version", "")
    now = time.monotonic()
    line = Answer(round(time.time(), 6), round(now, 6), status, version, round(now - due, 6))
    file.write(json.dumps(asdict(line)) + "\n")
    file.flush()


def _loopback(url: str) -> str:
    """The URL, which is to name an address of this machine: this load is for nobody else."""
    host = urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False  # a name, which may mean any machine
    if not local:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address such as 127.0.0.1")
    return url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", type=_loopback, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--rps", type=parse, required=True, help="50, or points 0:10,30:10,30:100")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--bodies", type=Path, help="a request body a line; POST, not GET")
    chosen = parser.parse_args()
    bodies = chosen.bodies.read_bytes().splitlines() if chosen.bodies else ()
    with chosen.file.open("a") as file:
        asyncio.run(load(chosen.url, chosen.host, chosen.rps, chosen.seconds, file, bodies))


if __name__ == "__main__":
    main()
