"""The expected rest of the way to a certificate, and honesty where there is no way."""

import math

import pytest

from controllers.stats.eta import Traffic, eta
from controllers.stats.evidence import Bounds

RATIO_ONLY = Bounds(1.1, 1.5)
FLOOR = Bounds(1.1, 1.5, 0.001)


@pytest.mark.parametrize(("share", "events"), [(0.1, 361), (0.5, 147)])
def test_bad_answers_for_an_equal_release_at_margin_one_and_a_half(
    share: float, events: float
) -> None:
    """361 and 147 are ln(20)/g; the mixture adds one nat."""
    found = eta(Traffic(0.005, 0.005, share, 50.0), RATIO_ONLY, 0.05)
    assert found is not None
    assert found.bad == pytest.approx(events * (1 + 1 / math.log(20)), rel=0.01)
    assert found.requests == pytest.approx(found.bad / 0.005)
    assert found.candidate_requests == pytest.approx(found.requests * share)
    assert found.minutes == pytest.approx(found.requests / 50 / 60)


def test_a_clean_service_takes_the_floors_way() -> None:
    found = eta(Traffic(0.0, 0.0, 0.5, 50.0), FLOOR, 0.05)
    assert found is not None
    expected = math.log(40) / 0.001
    assert expected < found.candidate_requests < 1.4 * expected
    assert found.bad == 0.0


def test_the_shorter_of_the_two_ways_counts() -> None:
    both = eta(Traffic(0.0005, 0.0005, 0.5, 50.0), FLOOR, 0.05)
    ratio_alone = eta(Traffic(0.0005, 0.0005, 0.5, 50.0), RATIO_ONLY, 0.05)
    assert both is not None
    assert ratio_alone is not None
    assert both.requests < ratio_alone.requests


def test_two_ways_need_twice_the_evidence_on_the_one_that_is_taken() -> None:
    traffic = Traffic(0.005, 0.005, 0.5, 50.0)
    two, one = eta(traffic, FLOOR, 0.05), eta(traffic, RATIO_ONLY, 0.05)
    assert two is not None
    assert one is not None
    assert two.requests / one.requests == pytest.approx((math.log(40) + 1) / (math.log(20) + 1))


def test_evidence_in_hand_shortens_the_way_down_to_nothing() -> None:
    traffic = Traffic(0.005, 0.005, 0.5, 50.0)
    left = []
    for held in (0.0, 1.5, math.log(20) - 1e-9, math.log(20)):
        found = eta(traffic, RATIO_ONLY, 0.05, (-math.inf, held))
        assert found is not None
        left.append(found.requests)
    assert left[0] > left[1] > left[2] > left[3] == 0.0
    assert left[1] == pytest.approx(left[0] * (1 - 1.5 / math.log(20)))
    assert left[2] < 1.0


@pytest.mark.parametrize(
    ("traffic", "bounds"),
    [
        pytest.param(Traffic(0.005, 0.005, 0.5, 0.0), FLOOR, id="no traffic"),
        pytest.param(Traffic(0.005, 0.005, 0.0, 50.0), FLOOR, id="none for the candidate"),
        pytest.param(Traffic(0.005, 0.005, 1.0, 50.0), FLOOR, id="none for stable to compare"),
        pytest.param(Traffic(0.009, 0.005, 0.5, 50.0), FLOOR, id="beyond margin and floor"),
        pytest.param(Traffic(0.0, 0.0, 0.5, 50.0), RATIO_ONLY, id="clean and no floor"),
        pytest.param(Traffic(1.0, 1.0, 1.0, 50.0), FLOOR, id="all bad"),
    ],
)
def test_where_there_is_no_way_none_is_promised(traffic: Traffic, bounds: Bounds) -> None:
    assert eta(traffic, bounds, 0.05) is None
