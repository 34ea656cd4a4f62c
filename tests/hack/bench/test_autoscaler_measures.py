"""Fronts, weights and what is read between two settings."""

import numpy as np
import pytest

from hack.bench.autoscaler.measures import Front, Score, day_blocks, wait_at
from hack.bench.autoscaler.waits import BINS, histogram


def score(attained: float, billed: float, wait: int = 0) -> Score:
    counted = histogram(np.array([100]), np.array([wait]))
    return Score(attained, billed, 0.5, counted, 1.0, 1.0)


def test_a_front_has_no_setting_that_another_one_beats() -> None:
    front = Front.of([score(0.9, 10), score(0.99, 20), score(0.95, 25), score(0.999, 30)])
    assert front.attained.tolist() == [0.9, 0.99, 0.999]
    assert front.billed.tolist() == [10.0, 20.0, 30.0]


@pytest.mark.parametrize(
    ("attained", "billed"), [(0.9, 10.0), (0.99, 20.0), (0.99684, 25.0), (0.5, 10.0)]
)
def test_between_two_settings_the_cost_is_a_line_over_the_log_of_what_is_missed(
    attained: float, billed: float
) -> None:
    front = Front.of([score(0.9, 10), score(0.99, 20), score(0.999, 30)])
    assert front.cost(attained) == pytest.approx(billed, rel=1e-3)


def test_what_no_setting_reaches_has_no_price() -> None:
    assert Front.of([score(0.9, 10)]).cost(0.91) == np.inf
    assert Front.of([]).cost(0.5) == np.inf


def test_the_wait_at_a_cost_lies_between_those_of_the_neighbours() -> None:
    points = [score(0.9, 10, 40), score(0.99, 20, 10)]
    assert wait_at(points, 15.0, 0.99) == pytest.approx(25.0)
    assert wait_at(points, 99.0, 0.99) == 10.0


def test_bootstrap_weights_draw_as_many_days_and_seeds_as_there_are() -> None:
    weights = day_blocks((5, 6), 200, seed=1)
    assert weights.shape == (200, 5, 6)
    assert (weights.sum(axis=(1, 2)) == 30).all()
    assert weights.mean() == pytest.approx(1.0)


def test_bins_are_exact_up_to_a_minute() -> None:
    assert BINS[:61].tolist() == list(range(61))
    assert (np.diff(BINS[61:]) / BINS[61:-1]).max() < 0.1
