"""``python -m hack.bench.autoscaler.real``: says script by script whether the model is right."""

import argparse
import sys

from hack.bench.autoscaler.real.luck import drawn
from hack.bench.autoscaler.real.scripts import SCRIPTS
from hack.bench.autoscaler.real.validate import report, validate
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster


def main() -> int:
    """The exit status: 0 if both decide the same at every look, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m hack.bench.autoscaler.real", description=__doc__
    )
    parser.add_argument("--luck", type=int, default=20, help="how many scripts luck writes")
    parser.add_argument("--looks", type=int, default=30, help="how long each of those is")
    parser.add_argument("--seed", type=int, default=1, help="of the first of them")
    chosen = parser.parse_args()
    seeds = range(chosen.seed, chosen.seed + chosen.luck)
    scripts = [*SCRIPTS, *(drawn(seed, chosen.looks) for seed in seeds)]
    cluster = Cluster(ROOT / ".cluster" / "hpa-model", say=_say)
    cluster.down()  # what a run that was killed has left
    with cluster.up(["core"]):
        outcomes = validate(cluster, scripts)
    return 0 if report(outcomes, print) else 1


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
