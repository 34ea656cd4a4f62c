"""Measures the operator with many canaries on a real API server, against its targets."""

import argparse
import sys
import time
from dataclasses import replace

from hack.bench.runtime import baselines, phases
from hack.bench.runtime.operator import Operator
from hack.bench.runtime.records import Changes
from hack.bench.runtime.report import table
from hack.bench.runtime.rows import Found, rows
from hack.bench.runtime.setting import QUICK, Size, prepare
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster

_BEGAN = time.monotonic()


def main() -> int:
    """Exit code 1 where a target was missed."""
    size = _parse()
    with Cluster(ROOT / ".cluster" / "bench-runtime", say=_say) as cluster:
        cluster.down()  # a run that was killed may have left one
        prepare(cluster, size, _say)
        found = _measure(cluster, size)
    lines = rows(found, size)
    print(table(lines))
    return int(any(row.met is False for row in lines))


def _parse() -> Size:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.runtime", description=__doc__)
    parser.add_argument("--objects", type=int, help="canaries in all (10000)")
    parser.add_argument("--active", type=int, help="canaries in a run (1000)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it all, in four minutes")
    chosen = parser.parse_args()
    full = Size(objects=10_000, active=1_000, changes=400, rest=120.0, busy=180.0)
    size = QUICK if chosen.quick else full
    count = chosen.objects or size.objects
    active = min(count, size.active if chosen.active is None else chosen.active)
    return replace(size, objects=count, active=active, changes=min(count, size.changes))


def _measure(cluster: Cluster, size: Size) -> Found:
    operator = Operator(cluster)
    first = phases.start(operator, size)
    _say(f"adopted after {first.decided:.0f} s with {first.cpu:.0f} s of CPU; killing it")
    operator.kill()
    again = phases.start(operator, size)
    _say(f"ready again after {again.ready:.1f} s, all decided after {again.decided:.0f} s")
    rest = phases.rest(cluster, operator, size)
    _say(f"at rest: {rest.spent.percent:.2f} % of a core, {rest.resident:.0f} MiB")
    quiet = phases.change(cluster, size, "3h")
    _tell(quiet)
    seconds = phases.release(cluster, operator, size)
    _say(f"{size.active} runs began, traffic moved in all after {seconds:.0f} s")
    busy = phases.busy(cluster, operator, size)
    _say(f"{size.active} runs: {busy.spent.percent:.0f} % of a core, {busy.blocks:.0f} blocks")
    loud = phases.change(cluster, size, "4h")
    _tell(loud)
    bare = baselines.queries(cluster, size)
    operator.stop()
    _say("the baselines: a bare list, then kopf with a timer for each object")
    listing = baselines.listing(cluster)
    timers = baselines.timers(cluster, size)
    return Found(first, again, rest, quiet, busy, loud, listing, timers, bare)


def _tell(changes: Changes) -> None:
    _say(f"{len(changes.answered)} changed specs answered, {changes.unanswered} not")


def _say(line: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
