"""The command: python -m hack.cluster build|up|down|status|env|logs."""

import argparse
import shlex
import sys
import time
from pathlib import Path

from hack.cluster.binaries import ROOT, BuildError
from hack.cluster.cluster import DEFAULT, EVERYTHING, GROUPS, PARTS, Cluster
from hack.cluster.folder import BusyError
from hack.cluster.node.host import NodeError, missing
from hack.cluster.process import DiedError
from hack.cluster.site import CommandError


def main() -> int:
    """Runs one command; 0 is well, 1 a part that is not, 2 a wrong command line."""
    arguments = _parser().parse_args()
    folder: Path = arguments.dir or (
        ROOT / ".cluster" / arguments.name if arguments.name else DEFAULT
    )
    cluster = Cluster(folder, _say)
    try:
        return int(arguments.run(cluster, arguments))
    except (DiedError, BuildError, BusyError, CommandError, NodeError, ValueError) as error:
        _say(f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--name", help="another cluster of this checkout: .cluster/NAME")
    where.add_argument("--dir", type=Path, help="another state folder")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    which = f"some of {', '.join(GROUPS)}; all but node where none is named"
    too = "the real node, too: it needs root and Linux (docs/cluster.md)"
    build = commands.add_parser("build", help="find or build what up needs, and start nothing")
    build.add_argument("parts", nargs="*", metavar="PART", help=which)
    build.add_argument("--node", action="store_true", help=f"{too}, where there can be one")
    build.set_defaults(run=_build)
    up = commands.add_parser("up", help="start what is missing, and wait until it is ready")
    up.add_argument("parts", nargs="*", metavar="PART", help=which)
    up.add_argument("--node", action="store_true", help=too)
    up.add_argument("--scrape-seconds", type=float, help="of Prometheus; 2 if never said")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="end every process and remove the state folder")
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="each part with its pid, its port and its health")
    status.set_defaults(run=_status)
    env = commands.add_parser("env", help="what to eval in a shell to work with the cluster")
    env.set_defaults(run=_env)
    logs = commands.add_parser("logs", help="the log of one part")
    logs.add_argument("part", choices=[*PARTS, *(group for group in GROUPS if group not in PARTS)])
    logs.set_defaults(run=_logs)
    return parser


def _build(cluster: Cluster, arguments: argparse.Namespace) -> int:
    if arguments.node and (lacks := missing()):
        _say(f"the real node is left out; it needs {'; '.join(lacks)}")
        arguments.node = False
    cluster.build(_parts(arguments))
    return 0


def _up(cluster: Cluster, arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    cluster.up(_parts(arguments), scrape_seconds=arguments.scrape_seconds)
    _say(f"the cluster in {cluster.folder} is ready after {time.monotonic() - started:.1f} s")
    return 0


def _parts(arguments: argparse.Namespace) -> list[str]:
    return [*(arguments.parts or EVERYTHING), *(["node"] if arguments.node else [])]


def _down(cluster: Cluster, _: argparse.Namespace) -> int:
    if not cluster.exists():
        _say(f"no cluster in {cluster.folder}")
        return 0
    started = time.monotonic()
    cluster.down()
    _say(f"the cluster in {cluster.folder} is gone after {time.monotonic() - started:.1f} s")
    return 0


def _status(cluster: Cluster, _: argparse.Namespace) -> int:
    parts = cluster.status()
    if not parts:
        _say(f"no cluster in {cluster.folder}; start one with python -m hack.cluster up")
        return 1
    for part in parts:
        health = "healthy" if part.healthy else "dead" if part.pid is None else "not ready"
        print(f"{part.part:24} {part.pid or '-':>8} {part.port or '-':>6} {health}")
        print("".join(f"    {line}\n" for line in part.tail), end="")
    return int(not all(part.healthy for part in parts))


def _env(cluster: Cluster, _: argparse.Namespace) -> int:
    variables = cluster.environment()
    if not variables:
        _say(f"no cluster in {cluster.folder}; start one with python -m hack.cluster up")
        return 1
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(str(cluster.folder / "bin"))}:"$PATH"')
    return 0


def _logs(cluster: Cluster, arguments: argparse.Namespace) -> int:
    log = cluster.part(arguments.part).process.log
    if not log.is_file():
        _say(f"{arguments.part} has no log in {cluster.folder}")
        return 1
    sys.stdout.write(log.read_text(errors="replace"))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")  # in one piece, as parts start side by side


if __name__ == "__main__":
    sys.exit(main())
