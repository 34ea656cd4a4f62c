"""``python -m hack.bench.autoscaler``: simulates, prints the tables, writes the page, judges."""

import argparse
import sys
import time
from pathlib import Path

from hack.bench.autoscaler import plots, targets
from hack.bench.autoscaler.page import page
from hack.bench.autoscaler.report import sections
from hack.bench.autoscaler.study import Size, Study, study

FOLDER = Path(__file__).parents[3] / "docs" / "benchmarks"
FULL, QUICK = Size(), Size(seeds=2, days=2, sparse=True)
FEWEST = 2


def main() -> int:
    """The exit status: 0 if every target is reached, else 1."""
    quick, size = _size()
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - begun:4.0f} s] {what}", file=sys.stderr, flush=True)

    done = study(size, say)
    flags = "--quick " if quick else ""
    command = f"python -m hack.bench.autoscaler {flags}--seeds {size.seeds} --days {size.days}"
    text = page({**sections(done), "command": command, "seeds": str(size.seeds)})
    print(text)
    if not quick:
        _write(done, text)
        say(f"wrote {FOLDER.name}/autoscaler.md and its plots")
    found = targets.targets(done)
    print(targets.show(found))
    missed = [target.what for target in found if not target.met]
    print(f"missed: {'; '.join(missed)}" if missed else "every target is reached")
    return 1 if missed else 0


def _write(done: Study, text: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "autoscaler.md").write_text(text, encoding="utf-8")
    drawn = {"autoscaler-cost": plots.cost_against_slo(done)}
    drawn |= {
        f"autoscaler-{cell.trace}": plots.course(cell)
        for cell in (*done.long, *done.short)
        if cell.startup == plots.STARTUP
    }
    for name, plot in drawn.items():
        (FOLDER / f"{name}.svg").write_text(plot, encoding="utf-8")


def _size() -> tuple[bool, Size]:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.autoscaler", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form that writes no page")
    parser.add_argument("--seeds", type=int, help="of the arrivals: 5, 2 if quick")
    parser.add_argument("--days", type=int, help="that are judged, of 6; 2 if quick")
    asked = parser.parse_args()
    usual = QUICK if asked.quick else FULL
    seeds = usual.seeds if asked.seeds is None else asked.seeds
    days = usual.days if asked.days is None else asked.days
    if seeds < FEWEST or not FEWEST <= days <= FULL.days:
        parser.error(
            f"--seeds {seeds} --days {days}: at least {FEWEST} of each, or no interval means "
            f"anything, and the traces have {FULL.days} days after their history"
        )
    return asked.quick, Size(seeds, days, usual.sparse)


if __name__ == "__main__":
    sys.exit(main())
