"""``python -m hack.bench.canary``: simulates, prints the tables, writes the page, judges."""

import argparse
import sys
import time
from pathlib import Path

from hack.bench.canary import page, targets
from hack.bench.canary.report import sections
from hack.bench.canary.study import Size, study

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks" / "canary.md"
RUNS, QUICK_RUNS = 2000, 600
FEWEST = 100


def main() -> int:
    """The exit status: 0 if every target is reached, else 1."""
    size = _size()
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - begun:4.0f} s] {what}", file=sys.stderr, flush=True)

    done = study(size, say)
    text = page.page(size, sections(done))
    print(text)
    if not size.quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        say(f"wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")
    found = targets.targets(done)
    print(targets.show(found))
    missed = [target.what for target in found if not target.met]
    print(f"missed: {'; '.join(missed)}" if missed else "every target is reached")
    return 1 if missed else 0


def _size() -> Size:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.canary", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form that writes no page")
    parser.add_argument("--runs", type=int, help=f"runs per cell, {RUNS}, {QUICK_RUNS} if quick")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    asked = parser.parse_args()
    runs = asked.runs if asked.runs is not None else QUICK_RUNS if asked.quick else RUNS
    if runs < FEWEST:
        parser.error(f"--runs {runs}: at least {FEWEST}, or no bound means anything")
    if asked.seed < 0:
        parser.error(f"--seed {asked.seed}: must not be negative")
    return Size(runs, asked.seed, asked.quick)


if __name__ == "__main__":
    sys.exit(main())
