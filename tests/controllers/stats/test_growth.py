"""Counters grow by what was really counted, however the history is cut into blocks."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.readings import Gap, Missing, Series
from controllers.stats.growth import Growth, growth

Samples = list[tuple[float, float]]


def one(samples: Samples, **labels: str) -> Series:
    times, values = zip(*samples, strict=True) if samples else ((), ())
    held = {"job": "gateway", "instance": "a", **labels}
    return Series(held, np.array(times, dtype=np.float64), np.array(values, dtype=np.float64))


def total(*series: Series, since: float = 100.0, until: float = 130.0) -> float:
    grown = growth(series, since, until, max_age=20.0)
    assert isinstance(grown, Growth), grown
    return float(np.sum(grown.amounts))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([(95, 10), (105, 12), (125, 17)], 7, id="from the last sample before"),
        pytest.param([(100, 10), (130, 17)], 7, id="samples on the instants themselves"),
        pytest.param([(95, 10), (105, 12), (125, 17), (135, 99)], 7, id="nothing from later"),
        pytest.param([(80, 1), (95, 10), (115, 3), (125, 5)], 5, id="a reset counts whole"),
        pytest.param([(95, 10), (105, 2), (115, 1), (125, 4)], 6, id="two resets"),
        pytest.param([(95, 10), (125, 10)], 0, id="no traffic"),
    ],
)
def test_growth_of_one_counter(samples: Samples, expected: float) -> None:
    assert total(one(samples)) == expected


CLOCK = one([(95, 0), (105, 0), (115, 0), (125, 0)], code="200")


@pytest.mark.parametrize(
    ("newcomer", "expected"),
    [
        pytest.param(one([(115, 4), (125, 6)], code="503"), 6, id="absent at the scrape before"),
        pytest.param(
            one([(115, 400), (125, 406)], code="503", instance="b"), 6, id="target never seen"
        ),
        pytest.param(
            Series({"code": "503"}, np.array([115.0, 125.0]), np.array([400.0, 406.0])),
            6,
            id="target not known",
        ),
        pytest.param(
            one([(80, 400), (125, 406)], code="503", instance="b"), 6, id="old base, same counter"
        ),
    ],
)
def test_a_new_series_counts_from_zero_only_if_it_was_seen_not_to_exist(
    newcomer: Series, expected: float
) -> None:
    assert total(CLOCK, newcomer) == expected


def test_a_new_series_after_a_gap_of_its_target_does_not_count_from_zero() -> None:
    target = one([(80, 5), (125, 6)], code="200", instance="b")
    assert total(CLOCK, target, one([(125, 400)], code="503", instance="b")) == 1


def test_a_series_that_ends_counts_up_to_its_end() -> None:
    assert total(CLOCK, one([(95, 5), (105, 9)], code="503")) == 4


def test_a_reset_in_one_bucket_is_a_reset_of_the_whole_histogram() -> None:
    # The fast bucket was small before the restart and is larger after it: alone it shows no drop.
    fast = one([(95, 10), (105, 48)], le="0.1")
    every = one([(95, 100), (105, 50)], le="+Inf")
    grown = growth([fast, every], 100.0, 110.0, max_age=20.0)
    assert isinstance(grown, Growth)
    assert grown.amounts.tolist() == [48.0, 50.0]


def test_another_counter_of_the_same_target_is_not_reset_along_with_it() -> None:
    reset, other = one([(95, 10), (125, 3)], code="503"), one([(95, 7), (125, 8)], code="200")
    assert total(reset, other) == 4


@pytest.mark.parametrize(
    ("series", "gap"),
    [
        pytest.param([], Gap.ABSENT, id="no series"),
        pytest.param([one([(140, 3)])], Gap.ABSENT, id="only samples from later"),
        pytest.param([one([(95, 3), (105, 4)])], Gap.STALE, id="nothing fresh at the end"),
        pytest.param([one([(70, 3), (125, 4)])], Gap.STALE, id="nothing fresh at the start"),
        pytest.param([one([(105, 3), (125, 4)])], Gap.STALE, id="no base at all"),
        pytest.param([one([(95, 3), (125, math.nan)])], Gap.NOT_FINITE, id="NaN"),
        pytest.param([one([(95, 3), (125, math.inf)])], Gap.NOT_FINITE, id="infinite"),
        pytest.param([one([(95, -3), (125, 4)])], Gap.NOT_FINITE, id="negative"),
        pytest.param([CLOCK, one([(95, math.nan)])], Gap.NOT_FINITE, id="one of several"),
    ],
)
def test_what_is_not_known_is_missing_for_the_right_reason(series: list[Series], gap: Gap) -> None:
    grown = growth(series, 100.0, 130.0, max_age=20.0)
    assert isinstance(grown, Missing)
    assert grown.gap is gap
    assert grown.detail


def test_a_bad_sample_outside_the_block_harms_only_its_own_block() -> None:
    assert total(one([(60, math.nan), (95, 3), (125, 4), (135, math.nan)])) == 1


def test_growth_is_summed_by_what_the_caller_sees_in_the_labels() -> None:
    grown = growth(
        [
            one([(95, 0), (125, 5)], arm="v1", code="200"),
            one([(95, 0), (125, 2)], arm="v1", code="503"),
            one([(95, 0), (125, 1)], arm="v2", code="200"),
            one([(95, 0), (125, 9)], arm="other", code="200"),
        ],
        100.0,
        130.0,
        max_age=20.0,
    )
    assert isinstance(grown, Growth)
    arms = grown.by(lambda labels: labels["arm"] if labels["arm"] != "other" else None)
    assert arms == {"v1": 7.0, "v2": 1.0}


SCRAPES = np.arange(0.0, 600.0, 15.0)


@st.composite
def histories(draw: st.DrawFn) -> list[Series]:
    """Counters of two targets with resets, missed scrapes and series that come and go."""
    made = [one([(float(t), 0.0) for t in SCRAPES], instance=target) for target in "ab"]
    for number in range(draw(st.integers(1, 5))):
        target = draw(st.sampled_from("ab"))
        begin, end = sorted(draw(st.tuples(st.integers(0, 39), st.integers(1, 40))))
        samples: Samples = []
        value = 0.0
        for t in SCRAPES[begin:end]:
            reset = draw(st.integers(0, 9)) == 0
            value = (0.0 if reset else value) + draw(st.integers(0, 50))
            if draw(st.integers(0, 4)):
                samples.append((float(t) + 0.5 * number, value))
        made.append(one(samples, instance=target, code=str(number)))
    return made


@given(histories(), st.sets(st.integers(16, 584), max_size=12))
def test_any_partition_of_a_history_into_blocks_gives_the_same_total(
    history: list[Series], cuts: set[int]
) -> None:
    def grown(since: float, until: float) -> dict[tuple[str, str], float]:
        found = growth(history, since, until, max_age=45.0)
        assert isinstance(found, Growth)
        return found.by(lambda labels: (labels["instance"], labels.get("code", "")))

    instants = [15.0, *(float(cut) for cut in sorted(cuts)), 590.0]
    blocks: dict[tuple[str, str], float] = {}
    for since, until in itertools.pairwise(instants):
        for name, amount in grown(since, until).items():
            blocks[name] = blocks.get(name, 0.0) + amount
    assert blocks == grown(15.0, 590.0)
