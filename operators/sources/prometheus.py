"""The one gateway to Prometheus: a deadline on every query, warnings kept, typed answers."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests
from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from controllers.api.base import go_duration
from controllers.readings import WRONG, Answer, Answered, Gap, Missing, Query, Series
from operators.runtime.telemetry import Telemetry

DEADLINE = 5.0
"""Seconds from sending a query to the last byte of its answer."""
PATIENCE = 15.0
"""Seconds a query may wait for its turn on top of that."""
THREADS = 8
MOST_BYTES = 64 * 2**20
_CHUNK = 2**16


class Prometheus:
    """Answers queries from one Prometheus; whatever goes wrong is an answer too."""

    def __init__(
        self,
        url: str,
        telemetry: Telemetry,
        *,
        token_file: str = "",
        ca_file: str = "",
        deadline: float = DEADLINE,
        patience: float = PATIENCE,
    ) -> None:
        self._url = url.rstrip("/")
        self._telemetry = telemetry
        self._token_file = Path(token_file) if token_file else None
        self._ca_file = ca_file
        self._deadline = deadline
        self._patience = patience
        self._threads = ThreadPoolExecutor(THREADS, "prometheus")
        self._turn = asyncio.Semaphore(THREADS)
        self._local = threading.local()

    async def answer(self, query: Query) -> Answered:
        """The series that match, or Missing with FAILED and a short reason; never raises."""
        answered = await self._answer(query)
        self._telemetry.answered(answered)
        return answered

    async def ask(self, queries: Collection[Query]) -> dict[Query, Answered]:
        """The answer to each query; what is asked for twice is sent once."""
        distinct = list(dict.fromkeys(queries))
        answers = await asyncio.gather(*(self.answer(query) for query in distinct))
        return dict(zip(distinct, answers, strict=True))

    def close(self) -> None:
        """Sends nothing more; a query that is under way ends by its own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, query: Query) -> Answered:
        if not self._url:
            return _failed("no Prometheus configured: set --prometheus-url")
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
        except TimeoutError:
            return _failed(f"not sent within {self._patience:g} s: too many slow queries before it")
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._send, query)
        # The turn is over when the thread is free, so that a stuck one is not given another query.
        work.add_done_callback(lambda _: self._turn.release())
        try:
            async with asyncio.timeout(self._deadline + 1.0):
                return await asyncio.shield(work)
        except TimeoutError:
            return _failed(f"no answer within {self._deadline:g} s")

    def _send(self, query: Query) -> Answered:
        """In a thread: one query and its whole answer, within the deadline."""
        try:
            client: _Client | None = getattr(self._local, "client", None)
            if client is None:
                # requests' sessions are not made for several threads.
                client = self._local.client = _Client(self._url, self._ca_file)
            status, body = client.send(query, self._token(), self._deadline)
        except requests.Timeout:
            return _failed(f"no answer within {self._deadline:g} s")
        except requests.ConnectionError as error:
            return _failed(f"Prometheus cannot be reached: {_innermost(error)}")
        except (requests.RequestException, OSError) as error:
            return _failed(f"{type(error).__name__}: {error}")
        return parse(status, body)

    def _token(self) -> str:
        return self._token_file.read_text().strip() if self._token_file else ""


class _Client(PrometheusConnect):  # type: ignore[misc]
    """The client with one more call.

    ``custom_query`` returns only ``data.result``: the warnings of a partial answer, the type of the
    result and the text of an error are lost in it, it reads for as long as bytes drip, and its
    token is fixed. So the same call is made here, on the package's own session.
    """

    def __init__(self, url: str, ca_file: str) -> None:
        session = requests.Session()
        session.trust_env = False
        session.verify = ca_file or True
        # Its retries multiply every deadline; a later evaluation asks again anyway.
        super().__init__(url, session=session, retry=Retry(total=0, raise_on_status=False))

    def send(self, query: Query, token: str, deadline: float) -> tuple[int, bytes]:
        """Status and body of a query's response; requests.Timeout if they take too long."""
        until = time.monotonic() + deadline
        params = {"query": query.text, "timeout": go_duration(deadline), **_when(query)}
        if query.lookback is not None:
            params["lookback_delta"] = go_duration(query.lookback)
        with self._session.post(
            f"{self.url}/api/v1/{'query_range' if query.span else 'query'}",
            data=params,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=self._session.verify,
            timeout=deadline,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if time.monotonic() > until:
                    raise requests.Timeout
                if len(body) > MOST_BYTES:
                    raise requests.RequestException(
                        f"the answer is over {MOST_BYTES // 2**20} MiB: narrow the query"
                    )
            return response.status_code, bytes(body)


def _when(query: Query) -> dict[str, str]:
    """The instant, or the first and last of the grid and its step."""
    if not query.span:
        return {"time": f"{query.at:.3f}"}
    first, last = query.grid
    return {
        "start": f"{first * query.step:.3f}",
        "end": f"{last * query.step:.3f}",
        "step": f"{query.step:.3f}",
    }


def parse(status: int, body: bytes) -> Answered:
    """The answer in the body of a query's response."""
    try:
        said = json.loads(body)
        if not isinstance(said, dict):
            raise TypeError  # noqa: TRY301 - the same fate as what is no JSON at all
        if said.get("status") != "success":
            return _refused(status, said)
        result = _series(said["data"]["resultType"], said["data"]["result"])
        warnings = (*said.get("warnings", ()), *said.get("infos", ()))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        start = body[:60].decode(errors="replace").strip()
        return _failed(f"HTTP {status}, and no answer of Prometheus's API: {start!r}")
    return Answer(result, tuple(str(one) for one in warnings))


def _refused(status: int, said: Mapping[str, Any]) -> Missing:
    kind, text = said.get("errorType", "error"), str(said.get("error", ""))[:300]
    if kind == "bad_data":
        return _failed(f"{WRONG}{text}")
    return _failed(f"HTTP {status}, {kind}: {text}")


def _series(kind: str, result: Any) -> tuple[Series, ...]:
    if kind in {"scalar", "string"}:
        return (_one({}, [result]),)
    if kind == "vector":
        return tuple(_one(item["metric"], [item["value"]]) for item in result if "value" in item)
    if kind == "matrix":
        return tuple(_one(item["metric"], item["values"]) for item in result if "values" in item)
    raise ValueError(kind)


def _one(labels: Mapping[str, str], samples: list[tuple[float, str]]) -> Series:
    times = np.array([float(at) for at, _ in samples])
    values = np.array([float(value) for _, value in samples])
    return Series(labels, times, values)


def _failed(detail: str) -> Missing:
    return Missing(Gap.FAILED, detail)


def _innermost(error: BaseException) -> str:
    """The cause that says something, below the layers that requests and urllib3 wrap around it."""
    inner: BaseException = error
    while isinstance(inner.args[0] if inner.args else None, BaseException) or getattr(
        inner, "reason", None
    ):
        reason = getattr(inner, "reason", None)
        inner = reason if isinstance(reason, BaseException) else inner.args[0]
        if not isinstance(inner, BaseException):
            break
    text = str(inner).rsplit(": ", 1)[-1]
    return os.fsdecode(text)[:200]
