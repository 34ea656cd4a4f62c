"""What the live benchmark reads from answers, on answers that are written by hand."""

from collections.abc import Sequence

import pytest

from hack.bench.live.outcome import Outcome, middle_and_range, outcome
from hack.bench.live.table import load, table
from hack.cluster.traffic import Answer

QUIET = 5.0


def answers(*given: tuple[float, str, int], until: float = 100.0) -> list[Answer]:
    """The given answers among stable ones, one each second; each took 10 ms."""
    steady = [(float(second), "stable", 200) for second in range(int(until) + 1)]
    both = sorted([*steady, *given])
    return [Answer(at, at, status, version, 0.01) for at, version, status in both]


def read(given: Sequence[Answer], wrote: float | None = None) -> Outcome:
    found = outcome(given, "canary", quiet=QUIET, wrote=wrote, why="Regressed")
    assert found is not None
    return found


def test_time_runs_from_the_first_bad_answer_to_the_last_of_any_kind() -> None:
    found = read(
        answers((10.5, "canary", 200), (20.5, "canary", 500), (24.5, "canary", 500),
                (26.5, "canary", 200)),
        wrote=26.0,
    )  # fmt: skip
    assert (found.seconds, found.bad, found.wrote, found.over) == (6.0, 2, 5.5, True)


def test_a_candidate_that_still_answers_is_not_over() -> None:
    found = read(answers((20.5, "canary", 503), (98.5, "canary", 200)))
    assert not found.over
    assert found.wrote is None


def test_no_bad_answer_of_the_candidate_is_no_outcome() -> None:
    """Bad answers of the stable version are not the candidate's."""
    given = answers((20.5, "canary", 200), (30.5, "stable", 500))
    assert outcome(given, "canary", quiet=QUIET, wrote=None, why="") is None


def test_the_share_is_that_before_the_fault() -> None:
    """From 10.25 to 20.25: ten answers of stable and two of the candidate."""
    found = read(
        answers((10.25, "canary", 200), (15.25, "canary", 200), (20.25, "canary", 500),
                (20.5, "canary", 500), (20.75, "canary", 500))
    )  # fmt: skip
    assert found.share == pytest.approx(2 / 12)
    assert found.rps == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("values", "digits", "said"),
    [
        ([3.0, 1.0, 2.0], 1, "2.0 (1.0 to 3.0)"),
        ([7, 8], 0, "8 (7 to 8)"),
        ([], 1, "-"),
    ],
)
def test_a_median_comes_with_its_range(values: list[float], digits: int, said: str) -> None:
    assert middle_and_range(values, digits) == said


def played(**changed: float | bool | None) -> Outcome:
    given = {
        "seconds": 12.0, "bad": 8, "wrote": 11.9, "over": True, "share": 0.2, "rps": 50.0,
        "slow": 0.03, "why": "",
    }  # fmt: skip
    return Outcome(**{**given, **changed})  # type: ignore[arg-type]


def test_a_run_that_is_not_over_is_counted_beside_the_runs() -> None:
    text = table({(0.05, "Modelyard"): [played(), played(over=False, wrote=None)]})
    assert text.splitlines()[-1].startswith("| 5% | Modelyard | 2, 1 not over | 12.0 ")
    assert "| 11.9 (11.9 to 11.9) |" in text


def test_a_load_that_fell_behind_is_admitted() -> None:
    assert "fell behind" not in load({(0.05, "Modelyard"): [played()]}, rps=50.0)
    for slip in (played(rps=49.0), played(slow=0.6)):
        said = load({(0.05, "Modelyard"): [played(), slip]}, rps=50.0)
        assert "In 1 experiments the load fell behind" in said
