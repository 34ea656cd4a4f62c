"""A proxy on loopback, plain HTTP, in front of an API server or a Prometheus: it plays a script."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from hack.faults.effects import (
    Dropped,
    Hang,
    Late,
    Lost,
    Refused,
    RequestEffect,
    Reset,
    Rewritten,
    Slow,
    Stall,
    Truncated,
    Twice,
    WatchError,
)
from hack.faults.script import Call, Script

TICK = 0.2
"""Seconds between two looks at the script while a watch is at rest."""
_HOPS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
_PIECES = 20


@dataclass(frozen=True)
class Taken:
    """One call that came in, and when by the monotonic clock."""

    call: Call
    at: float


@dataclass(frozen=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    retry_after: str = ""

    def head(self) -> bytes:
        """The head as it goes over the wire, for a connection that ends after it."""
        lines = [
            f"HTTP/1.1 {self.status} OK",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Connection: close",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def response(self) -> web.Response:
        headers = {"Content-Type": self.content_type}
        if self.retry_after:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=self.status, body=self.body, headers=headers)


class FaultProxy:
    """Passes on what it gets to ``upstream``, tokens included, and does what ``script`` says.

    It has a thread and an event loop of its own for as long as it is entered.
    """

    def __init__(self, upstream: str, script: Script, authority: Path | None = None) -> None:
        self._upstream = upstream
        self._script = script
        self._authority = authority
        self.calls: list[Taken] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _begin(self) -> None:
        # Without limits: a watch may be silent for minutes, and hundreds may be open.
        secure = (
            ssl.create_default_context(cafile=str(self._authority)) if self._authority else False
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=secure),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
        )
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _end(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=5.0)
        await asyncio.sleep(0.05)  # what is aborted is closed a moment later

    async def _take(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.method, request.path, request.query.get("watch") in {"true", "1"})
        self.calls.append(Taken(call, time.monotonic()))
        body = await request.read()
        effect = self._script.request(call)
        try:
            if isinstance(effect, Lost):
                if effect.carried_out:
                    await self._answer(request, body)
                return await _lose(request, effect)
            if call.watch and effect is None:
                return await self._watch(request, call)
            return await _give(request, await self._answer(request, body), effect)
        except (aiohttp.ClientError, OSError):
            return _cut(request)  # the server is away, or the caller is

    @contextlib.asynccontextmanager
    async def _open(
        self, request: web.Request, body: bytes
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _HOPS]
        url = f"{self._upstream}{request.raw_path}"
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            try:
                yield answer
            finally:
                # One that was not read to its end: TLS's farewell would outlast the event loop.
                if answer.connection and answer.connection.transport:
                    answer.connection.transport.abort()

    async def _answer(self, request: web.Request, body: bytes) -> _Answer:
        async with self._open(request, body) as answer:
            return await _read(answer)

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        async with self._open(request, b"") as answer:
            if answer.status != 200:
                return (await _read(answer)).response()
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            held = b""
            async for line in _lines(answer):
                effect = self._script.event(call, line)
                if isinstance(effect, Late):
                    held += line
                    continue
                if isinstance(effect, WatchError):
                    event = {"type": "ERROR", "object": _status(effect.code)}
                    await response.write(json.dumps(event).encode() + b"\n")
                    break
                if isinstance(effect, Stall):
                    await asyncio.sleep(effect.seconds)
                sent = {Twice: line + line, Dropped: b""}.get(type(effect), line)
                if line:
                    sent, held = sent + held, b""
                if sent:
                    await response.write(sent)
            await response.write_eof()
            return response


async def _read(answer: aiohttp.ClientResponse) -> _Answer:
    kind = answer.headers.get("Content-Type", "")
    after = answer.headers.get("Retry-After", "")
    return _Answer(answer.status, kind, await answer.read(), after)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a watch as they come, and an empty one at every tick without any."""
    rest = b""
    reading = asyncio.ensure_future(answer.content.readany())
    try:
        while True:
            done, _ = await asyncio.wait({reading}, timeout=TICK)
            if not done:
                yield b""
                continue
            if not (got := reading.result()):
                return
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                yield line + b"\n"
            reading = asyncio.ensure_future(answer.content.readany())
    finally:
        reading.cancel()


async def _give(
    request: web.Request, answer: _Answer, effect: RequestEffect | None
) -> web.StreamResponse:
    """The server's answer, with what is done to it."""
    match effect:
        case Slow(seconds):
            head = answer.head()
            size = -(-len(head) // _PIECES)
            for start in range(0, len(head), size):
                _raw(request, head[start : start + size])
                await asyncio.sleep(seconds / _PIECES)
            return _raw(request, answer.body, last=True)
        case Truncated():
            return _raw(request, answer.head() + answer.body[: len(answer.body) // 2], last=True)
        case Rewritten(change):
            return _Answer(answer.status, answer.content_type, change(answer.body)).response()
        case _:
            return answer.response()


async def _lose(request: web.Request, effect: Lost) -> web.StreamResponse:
    match effect:
        case Refused(status, retry_after, body, content_type):
            said = body or json.dumps(_status(status)).encode()
            after = str(retry_after) if retry_after else ""
            return _Answer(status, content_type, said, after).response()
        case Reset():
            return _cut(request)
        case Hang():
            await asyncio.sleep(3600.0)  # until the caller gives up, which cancels this
            return _cut(request)


def _raw(request: web.Request, data: bytes, *, last: bool = False) -> web.StreamResponse:
    """Writes past aiohttp, which would send no wrong answer."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the caller has gone")
    transport.write(data)
    if last:
        transport.close()
    return web.Response()


def _cut(request: web.Request) -> web.StreamResponse:
    """Ends the connection by RST."""
    transport = request.transport
    if transport is not None:
        plug = transport.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _status(code: int) -> dict[str, object]:
    reasons = {
        401: "Unauthorized", 403: "Forbidden", 409: "Conflict", 410: "Expired", 422: "Invalid",
        429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
    }  # fmt: skip
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"a fault of the test: {code}",
        "reason": reasons.get(code, ""),
        "code": code,
    }
