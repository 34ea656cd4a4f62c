"""Serves one version of the model over HTTP."""

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import prometheus_client
from aiohttp import web

SIZE = 64
_LOG = logging.getLogger("serve")


class BadImageError(ValueError):
    """The request holds no image; the message says what to send instead."""


def parse(text: str) -> np.ndarray:
    """The image of a request body, of shape (1, 64); raises BadImageError."""
    try:
        asked = json.loads(text)
        pixels = np.array(asked["pixels"], dtype=float)
    except (ValueError, TypeError, KeyError):
        raise BadImageError('send {"pixels": [...]} with 64 numbers from 0 to 16') from None
    if pixels.shape != (SIZE,):
        raise BadImageError(f"pixels has the shape {pixels.shape}: send one list of 64 numbers")
    if not ((pixels >= 0) & (pixels <= 16)).all():
        raise BadImageError("pixels holds a number that is not from 0 to 16")
    return pixels.reshape(1, SIZE)


class Server:
    """Answers ``POST /predict``: 200 with the digit, 400 for no image, 500 if the model fails."""

    def __init__(self, version: str, model: Any) -> None:
        self._version, self._model = version, model
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "model_requests", "Answers.", ["version", "code"], registry=self._registry
        )
        self._seconds = prometheus_client.Histogram(
            "model_request_duration_seconds", "Time.", ["version"], registry=self._registry
        )

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/predict", self._predict)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        return app

    async def _predict(self, request: web.Request) -> web.Response:
        started = time.monotonic()
        status, body = self._answer(await request.text())
        self._requests.labels(self._version, str(status)).inc()
        self._seconds.labels(self._version).observe(time.monotonic() - started)
        return web.json_response(
            {"version": self._version, **body},
            status=status,
            headers={"x-model-version": self._version},
        )

    def _answer(self, text: str) -> tuple[int, dict[str, Any]]:
        # In the event loop: the milliseconds that a model takes are not worth a thread.
        try:
            return 200, {"digit": int(self._model.predict(parse(text))[0])}
        except BadImageError as error:
            return 400, {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever a model raises is answered
            _LOG.exception("the model failed")
            return 500, {"error": f"{type(error).__name__}: {error}"}

    async def _metrics(self, _: web.Request) -> web.Response:
        text = prometheus_client.generate_latest(self._registry)
        return web.Response(
            body=text, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self._version})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a file of joblib's, trusted")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--version", required=True)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    server = Server(chosen.version, joblib.load(chosen.model))
    web.run_app(
        server.application(),
        host=chosen.address,
        port=chosen.port,
        access_log=None,
        print=None,
        shutdown_timeout=1.0,
    )


if __name__ == "__main__":
    main()
