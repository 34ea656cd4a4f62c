"""A test that fails is named, and passes only if it passes alone."""

import pytest

from hack.again import MOST, play

ONE = ["tests/a.py::b"]


@pytest.mark.parametrize(
    ("failed", "then", "code", "said"),
    [
        (ONE, 0, 0, "tests/a.py::b failed beside others, and passed when played alone"),
        (ONE, 1, 1, "tests/a.py::b failed again"),
        (ONE, 5, 5, "tests/a.py::b failed again"),  # collected no more: 5 is pytest's word for it
        (ONE * MOST, 0, 0, "passed when played alone"),
    ],
)
def test_what_failed_is_played_alone(failed: list[str], then: int, code: int, said: str) -> None:
    asked: list[list[str]] = []

    def alone(arguments: list[str]) -> int:
        asked.append(arguments)
        return then

    ended, told = play(["--e2e", "tests/e2e"], failed, alone)
    assert (ended, said in told) == (code, True)
    assert asked == [["--last-failed", "--last-failed-no-failures", "none", "--e2e", "tests/e2e"]]


@pytest.mark.parametrize("failed", [[], ONE * (MOST + 1)])
def test_many_that_fail_and_a_run_that_broke_are_not_played_again(failed: list[str]) -> None:
    code, _ = play([], failed, lambda _: pytest.fail("it was played again"))
    assert code == 1
