"""Slow answers are counted at the histogram's own edges, exactly, arm by arm."""

import numpy as np
import pytest

from controllers.readings import Gap, Missing
from controllers.stats.buckets import Slower, slower
from controllers.stats.growth import Growth, Labels


def grown(*buckets: tuple[str, str, str | None, float]) -> Growth:
    labels = tuple(
        {"arm": arm, "instance": instance} | ({} if le is None else {"le": le})
        for arm, instance, le, _ in buckets
    )
    return Growth(labels, np.array([amount for *_, amount in buckets]))


def arm(labels: Labels) -> str | None:
    return labels["arm"] or None


def test_slower_than_an_edge_is_the_total_less_the_bucket_summed_over_targets() -> None:
    found = slower(
        grown(
            ("v1", "a", "0.1", 70),
            ("v1", "a", "0.5", 95),
            ("v1", "a", "+Inf", 100),
            ("v1", "b", "+Inf", 10),
            ("v1", "b", "0.1", 4),
            ("v1", "b", "0.5", 9),
            ("v2", "a", "0.50", 5),
            ("v2", "a", "1e-1", 2),
            ("v2", "a", "+Inf", 8),
            ("", "a", "1", 1000),
        ),
        arm,
    )
    assert found == Slower(
        edges=(0.1, 0.5),
        total={"v1": 110.0, "v2": 8.0},
        counts={"v1": {0.1: 36.0, 0.5: 6.0}, "v2": {0.1: 6.0, 0.5: 3.0}},
    )


def test_only_edges_that_all_histograms_have_count() -> None:
    found = slower(
        grown(
            ("v1", "a", "5", 1),
            ("v1", "a", "25", 2),
            ("v1", "a", "+Inf", 3),
            ("v2", "a", "10", 1),
            ("v2", "a", "25", 2),
            ("v2", "a", "+Inf", 3),
        ),
        arm,
    )
    assert isinstance(found, Slower)
    assert found.edges == (25.0,)


def test_edges_are_sorted_as_numbers_not_as_words() -> None:
    buckets = [("v1", "a", le, 1.0) for le in ("1000", "+Inf", "25", "5")]
    found = slower(grown(*buckets), arm)
    assert isinstance(found, Slower)
    assert found.edges == (5.0, 25.0, 1000.0)


def test_a_bucket_read_a_moment_before_its_total_never_gives_a_negative_count() -> None:
    found = slower(grown(("v1", "a", "5", 4), ("v1", "a", "+Inf", 3)), arm)
    assert isinstance(found, Slower)
    assert found.counts == {"v1": {5.0: 0.0}}


@pytest.mark.parametrize(
    ("buckets", "said"),
    [
        ([("v1", "a", "5", 4.0)], "+Inf"),
        ([("v1", "a", None, 4.0)], "le is missing"),
        ([("v1", "a", "fast", 4.0)], "le is missing or no number"),
        ([("", "a", "5", 4.0)], "no histogram bucket belongs to an arm"),
    ],
)
def test_what_is_no_histogram_is_absent_and_says_why(
    buckets: list[tuple[str, str, str | None, float]], said: str
) -> None:
    found = slower(grown(*buckets), arm)
    assert isinstance(found, Missing)
    assert found.gap is Gap.ABSENT
    assert said in found.detail
