"""Durations, decimals and wire names: what is written is what is read."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controllers.api.base import Decimal, Duration, Model, decimal, go_duration, seconds

DURATION_PATTERN = TypeAdapter(Duration).json_schema()["pattern"]
DECIMAL_PATTERN = TypeAdapter(Decimal).json_schema()["pattern"]


class Sample(Model):
    """A model with one field of each wire type."""

    half_life: Duration = 60.0
    best_share: Decimal = 0.5
    not_set: int | None = None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", 0.0),
        ("90s", 90.0),
        ("1h30m", 5400.0),
        ("1m", 60.0),
        ("1ms", 0.001),
        ("2m5ms", 120.005),
        ("5s1h", 3605.0),
        ("24h", 86400.0),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "5", "5 s", "1.5h", "-1s", "1d", "s", "1h 30m", "PT1M", "1H", "1us", "100000s"]
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"no duration such as 90s, 15m or 1h30m"):
        seconds(text)


@given(st.integers(min_value=0, max_value=99_999 * 3_600_000))
def test_a_duration_survives_the_wire_to_the_millisecond(millis: int) -> None:
    text = go_duration(millis / 1000)
    assert re.fullmatch(DURATION_PATTERN, text)
    assert seconds(text) * 1000 == pytest.approx(millis, abs=1e-3)


@given(st.floats(min_value=1e-6, max_value=9.9e9), st.booleans())
def test_a_decimal_keeps_six_digits_on_the_wire(size: float, negative: bool) -> None:
    value = -size if negative else size
    text = decimal(value)
    assert re.fullmatch(DECIMAL_PATTERN, text)
    assert float(text) == pytest.approx(value, rel=5e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.05, "0.05"), (1.0, "1"), (0.0, "0"), (1e-20, "0"), (-2.50, "-2.5"), (1234567.0, "1234570")],
)
def test_a_decimal_has_no_exponent_and_no_padding(value: float, text: str) -> None:
    assert decimal(value) == text


def test_a_model_is_snake_case_here_and_camel_case_there_without_what_is_unset() -> None:
    model = Sample(half_life=5400.0, best_share=0.25)
    assert model.wire() == {"halfLife": "1h30m", "bestShare": "0.25"}
    assert Sample.model_validate(model.wire()) == model


def test_a_field_of_a_newer_version_is_left_to_the_server() -> None:
    assert Sample.model_validate({"halfLife": "1s", "ofTomorrow": 1}) == Sample(half_life=1.0)


@pytest.mark.parametrize("wrong", [{"halfLife": "soon"}, {"bestShare": "much"}, {"notSet": "x"}])
def test_a_wrong_value_names_its_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Sample.model_validate(wrong)
