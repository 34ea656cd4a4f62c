"""Plays every experiment, several side by side, and prints the table."""

import argparse
import os
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from hack.bench.live.argo import ArgoRollouts
from hack.bench.live.contest import SCRAPE, Contestant
from hack.bench.live.experiment import RPS, Experiment, Played, writes
from hack.bench.live.ours import Modelyard
from hack.bench.live.outcome import Outcome
from hack.bench.live.table import load, table
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster

CONTESTANTS: dict[str, Contestant] = {"ours": Modelyard(), "argo": ArgoRollouts()}
SHARES = (0.05, 0.20)


def main() -> int:
    """Exit code 1 where a candidate that failed was still given traffic at the end."""
    chosen = _parse()
    contestants = [CONTESTANTS[name] for name in CONTESTANTS if chosen.only in {None, name}]
    runs = range(chosen.runs)
    # One after the other: what a contestant does to the control plane is felt by its own runs only.
    experiments = [
        [Experiment(one, share, number, len(runs)) for share in SHARES for number in runs]
        for one in contestants
    ]
    cluster = Cluster(ROOT / ".cluster" / "bench-live", say=_say)
    cluster.down()  # what a run that was killed has left
    with cluster.up(scrape_seconds=SCRAPE):
        for contestant in contestants:
            _say(f"starting {contestant.name}")
            contestant.start(cluster)
        played = [
            result for own in experiments for result in _play(cluster, own, chosen.side_by_side)
        ]
        results = _results(cluster, played)
    print(f"{table(results)}\n\n{load(results, RPS)}")
    return int(not all(one.over for found in results.values() for one in found))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.live", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="experiments of each kind")
    parser.add_argument("--only", choices=CONTESTANTS, help="one of the two")
    parser.add_argument("--side-by-side", type=int, default=6, help="experiments at once")
    return parser.parse_args()


def _play(
    cluster: Cluster, experiments: Sequence[Experiment], lanes: int
) -> Iterable[tuple[Experiment, Played]]:
    _say(f"{len(experiments)} experiments of two to five minutes, {lanes} at once")

    def play(experiment: Experiment) -> tuple[Experiment, Played]:
        started = time.monotonic()
        played = experiment.run(cluster)
        seconds = time.monotonic() - started
        _say(f"{experiment.namespace}: played in {seconds:.0f} s. {played.why}")
        return experiment, played

    pool = ThreadPoolExecutor(max_workers=lanes)
    try:
        return list(pool.map(play, experiments))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _results(
    cluster: Cluster, played: Iterable[tuple[Experiment, Played]]
) -> dict[tuple[float, str], list[Outcome]]:
    """The outcomes by share and contestant, with when each wrote its route."""
    written = writes(cluster)
    results: dict[tuple[float, str], list[Outcome]] = defaultdict(list)
    for experiment, one in played:
        who = experiment.contestant
        found = one.outcome(written[who.user, experiment.namespace])
        if found is None:
            raise RuntimeError(f"{experiment.namespace}: the candidate gave no bad answer")
        _say(
            f"{experiment.namespace}: {found.seconds:.1f} s, {found.bad} bad answers, written "
            f"after {found.wrote or 0:.1f} s"
        )
        results[experiment.errors, who.name].append(found)
    return dict(sorted(results.items(), key=lambda item: item[0][0]))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _leave() -> NoReturn:
    """Ends the process at once: after an error, experiments under way have lost their cluster."""
    code = 1
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except Exception:  # noqa: BLE001 - printed, and the exit code says it
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave()
