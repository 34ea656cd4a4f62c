"""The command: python -m hack.tally REPORT... Fails where no test ran or one was skipped."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def tally(report: Path) -> list[str]:
    """What is wrong with a JUnit report of pytest: nothing ran, or what was skipped and why."""
    # The report is pytest's own, written a moment ago: no attacker has a hand in it.
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314
    skips = [(case, skip) for case in cases for skip in case.iter("skipped")]
    wrong = [
        f"skipped: {case.get('classname')}.{case.get('name')}: {skip.get('message')}"
        for case, skip in skips
        if skip.get("type") != "pytest.xfail"
    ]
    return wrong if len(cases) > len(skips) else [*wrong, "no test ran"]


def main() -> int:
    """Prints what is wrong with each report named on the command line; 1 if anything is."""
    reports = [Path(name) for name in sys.argv[1:]]
    wrong = [f"{report}: {line}" for report in reports for line in tally(report)]
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return int(bool(wrong) or not reports)


if __name__ == "__main__":
    sys.exit(main())
