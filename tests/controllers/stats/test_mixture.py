"""The shared arithmetic: tilts of a share, and sums in the log domain."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import binom

from controllers.stats.mixture import combine_rollback, log_mixture, log_weights, tilt

LOGS = st.floats(-1e6, 1e6) | st.just(-math.inf)


@pytest.mark.parametrize(
    ("bad", "trials", "share", "factor", "expected"),
    [
        (3, 5, 0.5, 2.0, 3 * math.log(2) - 5 * math.log(1.5)),
        (0, 5, 0.1, 4.0, -5 * math.log(1.3)),
        (0, 0, 0.3, 4.0, 0.0),
        (7, 7, 1.0, 4.0, 0.0),
    ],
)
def test_a_tilt_is_the_log_likelihood_ratio_of_multiplied_odds(
    bad: float, trials: float, share: float, factor: float, expected: float
) -> None:
    assert tilt(bad, trials, share, np.array([factor])) == pytest.approx([expected])


@given(st.integers(0, 30), st.floats(0.01, 0.99), st.floats(0.1, 60.0), st.floats(0.0, 1.0))
def test_a_tilt_is_a_fair_bet_at_its_null_and_a_losing_one_on_the_far_side_of_it(
    trials: int, share: float, factor: float, part: float
) -> None:
    true = share * max(part, 1e-9) if factor >= 1.0 else share + (1.0 - share) * part
    bad = np.arange(trials + 1, dtype=np.float64)
    gains = np.exp(tilt(bad, float(trials), share, np.array([factor]))[:, 0])
    assert np.sum(binom.pmf(bad, trials, share) * gains) == pytest.approx(1.0)
    assert np.sum(binom.pmf(bad, trials, true) * gains) <= 1.0 + 1e-9


@given(st.lists(LOGS, min_size=1, max_size=6))
def test_a_log_mixture_agrees_with_scipy(logs: list[float]) -> None:
    even = np.full(len(logs), -math.log(len(logs)))
    expected = logsumexp(np.array(logs) + even)
    assert float(log_mixture(np.array(logs), even)) == pytest.approx(float(expected))


def test_a_mean_of_e_values_is_a_mean_whatever_their_size() -> None:
    assert float(combine_rollback([math.log(2.0), math.log(4.0)])) == pytest.approx(math.log(3.0))
    assert float(combine_rollback([5e6, -5e6])) == pytest.approx(5e6 - math.log(2.0))
    assert float(combine_rollback([-math.inf, -math.inf])) == -math.inf
    weighted = combine_rollback([math.log(2.0), math.log(4.0)], weights=[3, 1])
    assert float(weighted) == pytest.approx(math.log(2.5))


def test_a_mean_over_guardrails_keeps_the_runs_apart() -> None:
    assert combine_rollback(np.zeros((3, 5))).shape == (5,)
    assert combine_rollback(np.zeros((3, 5))) == pytest.approx(np.zeros(5))


def test_weights_are_scaled_to_one_and_a_weight_of_zero_excludes() -> None:
    assert log_weights(np.array([1.0, 3.0, 0.0])).tolist() == [
        pytest.approx(math.log(0.25)),
        pytest.approx(math.log(0.75)),
        -math.inf,
    ]
