"""What Prometheus does not answer is no value of the metric, and never zero."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from hack.bench.autoscaler.real.apis import AwayError
from hack.demo.autoscaler.metrics import ask


@contextmanager
def _prometheus(answer: str, asked: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_values_of_all_series_are_those_of_fresh_samples() -> None:
    asked: list[str] = []
    answer = (
        '{"status": "success", "data": {"result": [{"value": [1, "12.5"]}, {"value": [1, "3"]}]}}'
    )
    with _prometheus(answer, asked) as url:
        assert ask(url, 'sum(up{a="b"})', 5.0) == [12.5, 3.0]
    assert parse_qs(urlsplit(asked[0]).query) == {
        "query": ['sum(up{a="b"})'],
        "lookback_delta": ["5s"],
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [('{"status": "error", "error": "parse error"}', "parse error"), ("<html>", "Expecting")],
)
def test_an_error_of_prometheus_is_no_value(answer: str, said: str) -> None:
    with _prometheus(answer, []) as url, pytest.raises(AwayError, match=said):
        ask(url, "up", 5.0)


def test_without_series_there_are_no_values_and_without_prometheus_it_is_away() -> None:
    with _prometheus('{"status": "success", "data": {"result": []}}', []) as url:
        assert ask(url, "up", 5.0) == []
    with pytest.raises(AwayError, match="refused"):
        ask(url, "up", 5.0)
