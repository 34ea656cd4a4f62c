"""A green run in which nothing was tested is no green run."""

from pathlib import Path

import pytest

from hack.tally import tally

RAN = '<testcase classname="tests.a" name="b"/>'
FAILS_AS_KNOWN = '<testcase name="x"><skipped type="pytest.xfail" message=""/></testcase>'
SKIPPED = (
    '<testcase classname="tests.c" name="d">'
    '<skipped type="pytest.skip" message="no cluster"/></testcase>'
)


@pytest.mark.parametrize(
    ("cases", "wrong"),
    [
        (RAN, []),
        (RAN + FAILS_AS_KNOWN, []),
        ("", ["no test ran"]),
        (FAILS_AS_KNOWN, ["no test ran"]),
        (RAN + SKIPPED, ["skipped: tests.c.d: no cluster"]),
        (SKIPPED, ["skipped: tests.c.d: no cluster", "no test ran"]),
    ],
)
def test_only_a_run_without_skips_is_accepted(tmp_path: Path, cases: str, wrong: list[str]) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert tally(report) == wrong
