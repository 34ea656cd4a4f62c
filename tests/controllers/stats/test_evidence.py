"""The evidence of a run: restarts, two halves of harm, and a state that survives any crash."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.stats import rate, ratio
from controllers.stats.evidence import Block, Bounds, Evidence

BOUNDS = Bounds(tolerance=1.1, margin=1.5, floor=0.001)
NO_FLOOR = Bounds(tolerance=1.0, margin=1.5)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    requests = draw(st.tuples(*[st.integers(0, 100_000) | st.floats(0, 1e5)] * 2))
    parts = draw(st.tuples(*[st.floats(0.0, 1.0)] * 2))
    bad = [math.floor(count * part) for count, part in zip(requests, parts, strict=True)]
    return Block(requests[0], bad[0], requests[1], bad[1])


RUNS = st.lists(blocks() | st.just("restart"), max_size=25)


def played(evidence: Evidence, run: list[Block | str]) -> Evidence:
    for one in run:
        evidence = evidence.restart() if isinstance(one, str) else evidence.add(one)
    return evidence


def reloaded(evidence: Evidence) -> Evidence:
    return Evidence.load(evidence.bounds, json.loads(json.dumps(evidence.dump())))


@given(st.sampled_from([BOUNDS, NO_FLOOR]), RUNS, RUNS)
def test_killed_and_restored_anywhere_the_verdict_is_the_same_to_the_last_bit(
    bounds: Bounds, before: list[Block | str], after: list[Block | str]
) -> None:
    undisturbed = played(played(Evidence.begin(bounds), before), after)
    killed = played(reloaded(played(Evidence.begin(bounds), before)), after)
    assert killed == undisturbed
    assert reloaded(undisturbed) == undisturbed
    assert killed.rollback_log_e() == undisturbed.rollback_log_e()
    assert killed.certify_log_e() == undisturbed.certify_log_e()
    assert killed.interval(0.05) == undisturbed.interval(0.05)


def test_nothing_seen_is_no_evidence_either_way() -> None:
    fresh = Evidence.begin(BOUNDS)
    assert float(fresh.rollback_log_e()) == pytest.approx(0.0)
    assert float(fresh.certify_log_e()) == pytest.approx(0.0)
    assert fresh.interval(0.05) == ratio.Interval(None, None)
    assert fresh.estimate() is None


@given(RUNS)
def test_a_block_without_requests_changes_nothing(run: list[Block | str]) -> None:
    evidence = played(Evidence.begin(BOUNDS), run)
    assert evidence.add(Block(0.0, 0.0, 0.0, 0.0)) == evidence


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((-1.0, 0.0, 1.0, 0.0), "stable_requests -1.0"),
        ((1.0, math.nan, 1.0, 0.0), "stable_bad nan"),
        ((1.0, 0.0, math.inf, 0.0), "candidate_requests inf"),
        ((1.0, 0.0, 1.0, 2.0), "candidate_bad 2.0: must be at most candidate_requests 1.0"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_name(
    counts: tuple[float, float, float, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Block(*counts)


def test_the_first_start_and_the_three_youngest_are_kept() -> None:
    evidence = Evidence.begin(BOUNDS)
    kept = [evidence.numbers]
    for _ in range(5):
        evidence = evidence.add(Block(100, 1, 100, 1)).restart()
        kept.append(evidence.numbers)
    assert kept == [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), (1, 3, 4, 5), (1, 4, 5, 6)]
    assert evidence.requests.tolist() == [500.0, 200.0, 100.0, 0.0]


def test_a_restart_before_anything_was_seen_is_none() -> None:
    evidence = Evidence.begin(BOUNDS).add(Block(100, 1, 100, 1)).restart()
    assert evidence.restart() == evidence
    assert Evidence.begin(BOUNDS).restart() == Evidence.begin(BOUNDS)


def test_starts_are_mixed_with_the_weights_of_all_starts_past_and_to_come() -> None:
    old, young = Block(1000, 10, 1000, 25), Block(500, 5, 500, 14)
    evidence = Evidence.begin(NO_FLOOR).add(old).restart().add(young)

    def alone(*held: Block) -> float:
        fresh = played(Evidence.begin(NO_FLOOR), list(held))
        vector = fresh.log_likelihoods[0].astype(np.float64)
        return math.exp(float(ratio.rollback_log_e(vector, NO_FLOOR.grid)))

    expected = alone(old, young) / 2 + alone(young) / 6 + 1 / 3
    assert math.exp(float(evidence.rollback_log_e())) == pytest.approx(expected, rel=1e-5)


def test_harm_must_be_above_the_floor_and_worse_than_stable_to_roll_back() -> None:
    worse_but_tiny = Evidence.begin(BOUNDS).add(Block(1e6, 100, 1e6, 500))
    high_but_shared = Evidence.begin(BOUNDS).add(Block(1e4, 500, 1e4, 500))
    both = Evidence.begin(BOUNDS).add(Block(1e4, 100, 1e4, 500))
    threshold = math.log(20)
    assert float(worse_but_tiny.rollback_log_e()) < 0
    assert float(high_but_shared.rollback_log_e()) < 0
    assert float(both.rollback_log_e()) > threshold


def test_below_the_floor_or_better_than_the_margin_certifies() -> None:
    threshold = math.log(20)
    clean = Evidence.begin(BOUNDS).add(Block(5000, 0, 5000, 0))
    below_floor_though_worse = Evidence.begin(BOUNDS).add(Block(1e6, 100, 1e6, 300))
    failing_alike = Evidence.begin(BOUNDS).add(Block(1e5, 500, 1e5, 500))
    harmful = Evidence.begin(BOUNDS).add(Block(1e5, 500, 1e5, 900))
    assert float(clean.certify_log_e()) > threshold
    assert float(below_floor_though_worse.certify_log_e()) > threshold
    assert float(failing_alike.certify_log_e()) > threshold
    assert float(harmful.certify_log_e()) < 0


def test_without_a_floor_a_clean_service_certifies_nothing_and_the_ratio_alone_decides() -> None:
    clean = Evidence.begin(NO_FLOOR).add(Block(1e7, 0, 1e7, 0))
    assert float(clean.certify_log_e()) == pytest.approx(0.0)
    alike = Evidence.begin(NO_FLOOR).add(Block(1e5, 500, 1e5, 500))
    assert alike.certify_log_e() == alike.certify_parts()[1]


def test_certifying_evidence_never_expires_with_the_restarts() -> None:
    block = Block(1000, 5, 1000, 5)
    one_run = restarted = Evidence.begin(BOUNDS)
    for _ in range(20):
        one_run, restarted = one_run.add(block), restarted.add(block).restart()
    assert restarted.certify_log_e() == one_run.certify_log_e()
    assert restarted.interval(0.05) == one_run.interval(0.05)


def test_the_mean_of_the_two_halves_certifies() -> None:
    evidence = Evidence.begin(BOUNDS).add(Block(5000, 4, 3000, 2))
    by_rate, by_ratio = (math.exp(float(part)) for part in evidence.certify_parts())
    assert math.exp(float(evidence.certify_log_e())) == pytest.approx((by_rate + by_ratio) / 2)
    assert by_rate == pytest.approx(math.exp(float(rate.certify_log_e(2.0, 3000.0, 0.001))))


def test_runs_side_by_side_are_judged_as_if_alone() -> None:
    bad = np.array([1.0, 9.0, 40.0])
    together = Evidence.begin(BOUNDS, (3,)).add(Block(900, 9, 100, bad / bad)).restart()
    together = together.add(Block(np.full(3, 900.0), 9, 100, bad))
    for place, one in enumerate(bad):
        alone = Evidence.begin(BOUNDS).add(Block(900, 9, 100, 1)).restart()
        alone = alone.add(Block(900, 9, 100, float(one)))
        assert together.rollback_log_e()[place] == pytest.approx(float(alone.rollback_log_e()))
        assert together.certify_log_e()[place] == pytest.approx(float(alone.certify_log_e()))


def test_four_starts_fit_the_space_that_status_has_for_them() -> None:
    evidence = Evidence.begin(BOUNDS)
    for _ in range(200):
        evidence = evidence.add(Block(123_456_789, 12_345_678, 123_456_789, 12_345_678)).restart()
    assert len(json.dumps(evidence.dump(), separators=(",", ":"))) < 1000


GOOD = Evidence.begin(BOUNDS).add(Block(100, 1, 100, 1)).restart().dump()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({}, "form None, this version reads 1"),
        (GOOD | {"form": 99}, "form 99"),
        (GOOD | {"starts": []}, "cannot be read"),
        (GOOD | {"starts": [[1, 0, 0, "not base64!"]]}, "cannot be read"),
        (GOOD | {"starts": [[1, 0, 0, "AAAAAA=="]], "begun": 1}, "1 ratios"),
        (GOOD | {"stable": [1]}, "cannot be read"),
        (GOOD | {"stable": [-1, 0]}, "must be finite, at least 0"),
        (GOOD | {"starts": GOOD["starts"][1:]}, "has starts"),
        (GOOD | {"begun": 7}, "has starts"),
        ({key: value for key, value in GOOD.items() if key != "begun"}, "begun"),
    ],
)
def test_a_state_that_is_none_is_refused_with_what_is_wrong(
    broken: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Evidence.load(BOUNDS, broken)


@pytest.mark.parametrize("floor", [-0.1, 0.6, math.nan])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match="must be a share"):
        Bounds(1.1, 1.5, floor)
