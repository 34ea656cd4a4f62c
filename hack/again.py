"""The command: python -m hack.again PYTEST-ARGUMENT... Plays the few tests that failed once more.

On a busy machine a test of many real programs can miss a deadline that is none of its promises.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

MOST = 3
"""Tests that may need a second try: more of them are no accident."""


def play(
    arguments: Sequence[str], failed: Sequence[str], pytest: Callable[[list[str]], int]
) -> tuple[int, str]:
    """The exit status and what is to be said of it, after a run of which these tests failed.

    They are played alone, one after another, and each is named, whatever comes of it.
    """
    if not failed:
        return 1, "pytest ended badly without a test that failed"
    if len(failed) > MOST:
        return 1, f"{len(failed)} tests failed, which is more than the {MOST} that are tried again"
    code = pytest(["--last-failed", "--last-failed-no-failures", "none", *arguments])
    ended = "failed again" if code else "failed beside others, and passed when played alone"
    return code, f"{', '.join(failed)} {ended}"


def main() -> int:
    """Goes by what pytest wrote down of its last run in this checkout."""
    noted = Path(".pytest_cache/v/cache/lastfailed")
    failed = sorted(json.loads(noted.read_text())) if noted.is_file() else []
    code, said = play(sys.argv[1:], failed, _pytest)
    sys.stderr.write(f"second try: {said}\n")
    return code


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
