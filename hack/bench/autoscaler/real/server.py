"""An extension API server on loopback: TLS, and clients of the cluster's own authority only."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hack.bench.autoscaler.real.apis import Api, Ask, AwayError, Object


@contextmanager
def listening(pki: Path, apis: Sequence[Api]) -> Iterator[int]:
    """Answers for these groups until the context ends; the port, on 127.0.0.1.

    ``pki`` is the folder that hack.cluster.certificates fills: the server shows the API server's
    own certificate, and who connects has to show one of the same authority.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "serving.crt", pki / "serving.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = _Server(context, apis)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        server.hang_up()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext, apis: Sequence[Api]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.apis = {api.name: api for api in apis}
        self._connections: set[socket.socket] = set()
        # The handshake is left to the thread of the connection: one that never begins it would
        # keep all others waiting.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or has no certificate, is its own affair."""

    def hang_up(self) -> None:
        """Ends the connections that clients keep for their next request."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer({})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(json.loads(body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The audit log of the API server has all of it."""

    def _answer(self, body: Object) -> None:
        try:
            found = self._find(body)
        except AwayError as away:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, _status(503, str(away)))
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, _status(404, "there is no such thing"))
        else:
            self._send(HTTPStatus.OK, found)

    def _find(self, body: Object) -> Object | None:
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]:
            case ["apis", group, version, *path]:
                api = self.server.apis.get(f"{group}/{version}")
                if api is None:
                    return None
                return api.answer(Ask(self.command, tuple(path), body)) if path else api.discovery()
        return None

    def _send(self, status: HTTPStatus, answer: Object) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _status(code: int, message: str) -> Object:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": "NotFound" if code == HTTPStatus.NOT_FOUND else "ServiceUnavailable",
        "message": message,
    }
