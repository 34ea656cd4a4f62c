"""The evidence on the candidate's own rate against the floor."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from controllers.stats import rate


@given(st.integers(0, 60), st.floats(0.001, 0.5), st.floats(0.0, 1.0))
def test_at_or_beyond_the_floor_the_wrong_side_never_gains_on_average(
    requests: int, floor: float, part: float
) -> None:
    bad = np.arange(requests + 1, dtype=np.float64)
    for judge, true in (
        (rate.rollback_log_e, floor * max(part, 1e-9)),
        (rate.certify_log_e, floor + (1.0 - floor) * part),
    ):
        e = np.exp(judge(bad, float(requests), floor))
        assert np.sum(binom.pmf(bad, requests, true) * e) <= 1.0 + 1e-9


@pytest.mark.parametrize("floor", [0.001, 0.01, 0.1])
def test_clean_requests_certify_at_about_ln_of_two_over_beta_by_the_floor(floor: float) -> None:
    needed = math.log(2 / 0.05)
    requests = np.arange(10_000, dtype=np.float64)
    clean = np.argmax(rate.certify_log_e(np.zeros(10_000), requests, floor) >= needed)
    assert 0.9 * needed / floor < clean < 1.2 * needed / floor


def test_a_rate_well_above_the_floor_is_seen_within_a_few_bad_answers() -> None:
    assert float(rate.rollback_log_e(5.0, 100.0, 0.001)) > math.log(20)
    assert float(rate.certify_log_e(5.0, 100.0, 0.001)) < 0.0


def test_without_a_floor_the_rate_neither_restricts_nor_certifies() -> None:
    assert float(rate.rollback_log_e(0.0, 10.0, 0.0)) == math.inf
    assert float(rate.certify_log_e(0.0, 1e9, 0.0)) == -math.inf


def test_ten_million_counts_do_not_overflow() -> None:
    assert np.isfinite(rate.rollback_log_e(1e7, 1e7, 0.001))
    assert np.isfinite(rate.certify_log_e(1e7, 1e7, 0.5))
