"""The model server answers digits, says what is wrong with a request, and survives its model."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from hack.demo.serve import BadImageError, Server, parse


class Model:
    """Says 7, and fails on a blank image."""

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        assert pixels.shape == (1, 64)
        if not pixels.any():
            raise ValueError("Found unknown categories")
        return np.array([7])


def _post(body: str) -> tuple[int, Mapping[str, Any], str, str]:
    async def ask() -> tuple[int, Mapping[str, Any], str, str]:
        async with TestClient(TestServer(Server("2", Model()).application())) as client:
            answer = await client.post("/predict", data=body)
            metrics = await (await client.get("/metrics")).text()
            found = await answer.json()
            return answer.status, found, answer.headers["x-model-version"], metrics

    return asyncio.run(ask())


def _image(pixel: float) -> str:
    return f'{{"pixels": {[pixel] * 64}}}'


def test_an_image_is_answered_with_its_digit_and_the_version() -> None:
    status, body, version, metrics = _post(_image(3.0))
    assert (status, body, version) == (200, {"version": "2", "digit": 7}, "2")
    assert 'model_requests_total{code="200",version="2"} 1.0' in metrics


def test_a_model_that_fails_is_a_500_that_says_why_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status, body, version, metrics = _post(_image(0.0))
    assert (status, body["error"], version) == (500, "ValueError: Found unknown categories", "2")
    assert 'model_requests_total{code="500",version="2"} 1.0' in metrics
    assert "Found unknown categories" in caplog.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "send"),
        ("[]", "send"),
        ('{"image": []}', "send"),
        ('{"pixels": "abc"}', "send"),
        ('{"pixels": [[1], [2, 3]]}', "send"),
        ('{"pixels": [1, 2]}', "shape (2,)"),
        (_image(17.0), "from 0 to 16"),
        (_image(-1.0), "from 0 to 16"),
        (_image(float("nan")).replace("nan", "NaN"), "from 0 to 16"),
    ],
)
def test_what_is_no_image_is_a_400_that_says_what_to_send(body: str, said: str) -> None:
    with pytest.raises(BadImageError, match=said.replace("(", r"\(").replace(")", r"\)")):
        parse(body)
    assert _post(body)[0] == 400
