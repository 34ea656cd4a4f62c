"""The gateway to Prometheus against a real HTTP server that misbehaves in every known way."""

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from controllers.readings import Answer, Answered, Gap, Missing, Query
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import THREADS, Prometheus

UP = Query("up", at=1000.5)

Reply = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says and remembers what it was asked."""

    server: "Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        form |= {"path": self.path, "token": self.headers.get("Authorization", "")}
        self.server.asked.append(form)
        self.server.reply(self)

    def send(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.asked: list[dict[str, str]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """A client that gave up is what some tests are about."""


@contextmanager
def serving(reply: Reply) -> Iterator[Server]:
    server = Server(reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join(5)
        server.server_close()


def _ask(url: str, *queries: Query, **settings: Any) -> dict[Query, Answered]:
    async def story() -> dict[Query, Answered]:
        source = Prometheus(url, Telemetry(), **settings)
        try:
            return await source.ask(queries or (UP,))
        finally:
            source.close()

    return asyncio.run(story())


def _said(kind: str, result: Any, **more: Any) -> Reply:
    data = {"resultType": kind, "result": result}
    text = json.dumps({"status": "success", "data": data, **more})
    return lambda handler: handler.send(200, text)


def test_a_vector_is_one_sample_a_series_at_the_explicit_instant() -> None:
    result = [{"metric": {"job": "a"}, "value": [1000.5, "1.5"]}]
    with serving(_said("vector", result)) as server:
        answer = _ask(server.url, Query("up", 1000.5, lookback=12.0))[Query("up", 1000.5, 12.0)]
        assert server.asked[0] | {"token": ""} == {
            "path": "/api/v1/query", "query": "up", "time": "1000.500", "timeout": "5s",
            "lookback_delta": "12s", "token": "",
        }  # fmt: skip
    assert isinstance(answer, Answer)
    assert dict(answer.series[0].labels) == {"job": "a"}
    assert (answer.series[0].times[0], answer.series[0].values[0]) == (1000.5, 1.5)


def test_a_query_with_a_span_is_evaluated_at_the_multiples_of_its_step() -> None:
    rows = [{"metric": {"job": "a"}, "values": [[960, "1"], [1020, "3"]]}]
    query = Query("up", 1070.5, lookback=30.0, span=120.0, step=60.0)
    with serving(_said("matrix", rows)) as server:
        answer = _ask(server.url, query)[query]
        assert server.asked[0] | {"token": ""} == {
            "path": "/api/v1/query_range", "query": "up", "start": "960.000", "end": "1020.000",
            "step": "60.000", "timeout": "5s", "lookback_delta": "30s", "token": "",
        }  # fmt: skip
    assert isinstance(answer, Answer)
    assert list(answer.series[0].times) == [960, 1020]


def test_a_matrix_keeps_every_sample_and_a_scalar_has_no_labels() -> None:
    rows = [{"metric": {}, "values": [[1, "1"], [2, "3"], [4, "NaN"]]}]
    with serving(_said("matrix", rows)) as server:
        matrix = _ask(server.url)[UP]
    with serving(_said("scalar", [7, "+Inf"])) as server:
        scalar = _ask(server.url)[UP]
    assert isinstance(matrix, Answer)
    assert isinstance(scalar, Answer)
    assert list(matrix.series[0].times) == [1, 2, 4]
    assert list(matrix.series[0].values[:2]) == [1, 3]
    assert math.isnan(matrix.series[0].values[2])
    assert scalar.series[0].values[0] == math.inf


def test_no_series_is_an_answer_and_warnings_are_kept() -> None:
    with serving(_said("vector", [], warnings=["partial"], infos=["no counter"])) as server:
        answer = _ask(server.url)[UP]
    assert answer == Answer((), ("partial", "no counter"))


def _refusing(status: int, body: str, kind: str = "application/json") -> Reply:
    return lambda handler: handler.send(status, body, kind)


def _error(kind: str, text: str) -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": text})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (_refusing(200, "<html>login</html>", "text/html"), "no answer of Prometheus's API"),
        (_refusing(503, "Service Unavailable", "text/plain"), "HTTP 503"),
        (_refusing(503, _error("timeout", "query timed out")), "HTTP 503, timeout: query timed"),
        (_refusing(400, _error("bad_data", "1:4: parse error")), "the query is wrong: 1:4: parse"),
        (_refusing(422, _error("execution", "many-to-many")), "execution: many-to-many"),
        (_refusing(200, "[]"), "no answer of Prometheus's API"),
        (_refusing(200, '{"status": "success"}'), "no answer of Prometheus's API"),
        (_refusing(401, ""), "HTTP 401"),
        (_said("streams", []), "no answer of Prometheus's API"),
        (_said("vector", [{"metric": {}, "value": [1, "many"]}]), "no answer of Prometheus's"),
        (lambda handler: handler.connection.close(), "cannot be reached"),
    ],
)
def test_whatever_is_no_answer_is_a_failure_that_says_so(reply: Reply, said: str) -> None:
    with serving(reply) as server:
        answer = _ask(server.url)[UP]
        assert len(server.asked) == 1, "a retry multiplies the deadline"
    assert isinstance(answer, Missing)
    assert answer.gap is Gap.FAILED
    assert said in answer.detail


def test_an_address_where_nobody_listens_fails_at_once() -> None:
    with serving(_said("vector", [])) as server:
        url = server.url
    answer = _ask(url)[UP]
    assert isinstance(answer, Missing)
    assert "refused" in answer.detail


def test_without_an_address_the_answer_says_what_to_set() -> None:
    answer = _ask("")[UP]
    assert answer == Missing(Gap.FAILED, "no Prometheus configured: set --prometheus-url")


def _hang(handler: Handler) -> None:
    handler.server.released.wait(30)


def _drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.released.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


@pytest.mark.parametrize("reply", [_hang, _drip])
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline(reply: Reply) -> None:
    with serving(reply) as server:
        answer = _ask(server.url, deadline=0.3)[UP]
    assert answer == Missing(Gap.FAILED, "no answer within 0.3 s")


def test_queries_behind_a_hanging_server_give_up_in_time_with_a_bounded_number_sent() -> None:
    queries = [Query(f"q{n}", 1.0) for n in range(5 * THREADS)]
    with serving(_hang) as server:
        answers = _ask(server.url, *queries, deadline=0.4, patience=0.6)
        assert len(server.asked) <= 2 * THREADS
    details = {one.detail for one in answers.values() if isinstance(one, Missing)}
    assert len(answers) == len(queries)
    assert any("too many slow queries" in detail for detail in details)


def test_each_distinct_query_is_sent_once() -> None:
    with serving(_said("vector", [])) as server:
        _ask(server.url, UP, UP, Query("up", 1001.0), UP)
        assert sorted(one["time"] for one in server.asked) == ["1000.500", "1001.000"]


def test_the_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")

    async def story(url: str) -> None:
        source = Prometheus(url, Telemetry(), token_file=str(file))
        await source.answer(UP)
        file.write_text("second\n")
        await source.answer(UP)
        file.unlink()
        answer = await source.answer(UP)
        assert isinstance(answer, Missing)
        assert "token" in answer.detail
        source.close()

    with serving(_said("vector", [])) as server:
        asyncio.run(story(server.url))
        assert [one["token"] for one in server.asked] == ["Bearer first", "Bearer second"]


def test_answers_are_counted_by_their_state() -> None:
    telemetry = Telemetry()

    async def story(url: str) -> None:
        source = Prometheus(url, telemetry)
        await source.answer(UP)
        source.close()

    with serving(_said("vector", [], warnings=["partial"])) as server:
        asyncio.run(story(server.url))
    assert b'modelyard_readings_total{state="Warned"} 1.0' in telemetry.exposition()


def test_the_event_loop_runs_on_while_queries_hang() -> None:
    async def story(url: str) -> float:
        source = Prometheus(url, Telemetry(), deadline=0.5)
        pending = asyncio.create_task(source.answer(UP))
        before = time.monotonic()
        await asyncio.sleep(0.01)
        late = time.monotonic() - before
        await pending
        source.close()
        return late

    with serving(_hang) as server:
        assert asyncio.run(story(server.url)) < 0.4
