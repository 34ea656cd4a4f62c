"""Measures the operator with many objects on a real API server, against its targets."""

import argparse
import sys
import time
from dataclasses import replace

from hack.bench.runtime import baselines, phases
from hack.bench.runtime.operator import Operator
from hack.bench.runtime.records import Changes
from hack.bench.runtime.report import Row, table
from hack.bench.runtime.rows import Found, rows
from hack.bench.runtime.scalers import setting as scalers
from hack.bench.runtime.scalers.phases import measure
from hack.bench.runtime.scalers.rows import rows as of_scalers
from hack.bench.runtime.setting import QUICK, Size, prepare
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster

_BEGAN = time.monotonic()


def main() -> int:
    """Exit code 1 where a target was missed."""
    chosen = _parse()
    lines = []
    if chosen.only != "autoscalers":
        lines += _canaries(chosen)
    if chosen.only != "canaries":
        lines += _autoscalers(chosen)
    return int(any(row.met is False for row in lines))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.runtime", description=__doc__)
    parser.add_argument("--only", choices=("canaries", "autoscalers"), help="one kind (both)")
    parser.add_argument("--objects", type=int, help="canaries in all (10000)")
    parser.add_argument("--active", type=int, help="canaries in a run (1000)")
    parser.add_argument("--autoscalers", type=int, help="in all (1000)")
    parser.add_argument("--days", type=int, help="of the autoscalers' past (14)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it all, in ten minutes")
    return parser.parse_args()


def _canaries(chosen: argparse.Namespace) -> list[Row]:
    full = Size(objects=10_000, active=1_000, changes=400, rest=120.0, busy=180.0)
    size = QUICK if chosen.quick else full
    count = chosen.objects or size.objects
    active = min(count, size.active if chosen.active is None else chosen.active)
    size = replace(size, objects=count, active=active, changes=min(count, size.changes))
    with _cluster() as cluster:
        prepare(cluster, size, _say)
        lines = rows(_measure(cluster, size), size)
    print(table(lines), flush=True)
    return lines


def _autoscalers(chosen: argparse.Namespace) -> list[Row]:
    size = scalers.QUICK if chosen.quick else scalers.FULL
    count, days = chosen.autoscalers or size.count, chosen.days or size.days
    size = replace(size, count=count, days=days)
    with _cluster() as cluster:
        port = scalers.prepare(cluster, size, _say)
        lines = of_scalers(measure(cluster, port, size, _say), size)
    print(table(lines), flush=True)
    return lines


def _cluster() -> Cluster:
    cluster = Cluster(ROOT / ".cluster" / "bench-runtime", say=_say)
    cluster.down()  # a run that was killed may have left one
    return cluster


def _measure(cluster: Cluster, size: Size) -> Found:
    operator = Operator(cluster)
    first = phases.start(operator, size.objects)
    _say(f"adopted after {first.decided:.0f} s with {first.cpu:.0f} s of CPU; killing it")
    operator.kill()
    again = phases.start(operator, size.objects)
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
