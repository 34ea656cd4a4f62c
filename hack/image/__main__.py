"""The command: python -m hack.image build|report|sbom NAME, or start."""

import argparse
import statistics
import sys

from hack.cluster import images, operator
from hack.cluster.binaries import ROOT, BuildError
from hack.cluster.cluster import Cluster
from hack.cluster.folder import BusyError
from hack.cluster.node.host import NodeError
from hack.cluster.process import DiedError
from hack.cluster.site import CommandError
from hack.image.archive import Archive
from hack.image.startup import NotReadyError, start

_MB = 1_000_000
_NEEDED = ("core", "controllers", "scheduler", "node")


def main() -> int:
    """Runs one command; 1 with what to do on stderr where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m hack.image", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, act, text in (
        ("build", _build, "build an image; print its archive and its name"),
        ("report", _report, "print its size by layer"),
        ("sbom", _sbom, "print the CycloneDX list of what is in it"),
    ):
        command = commands.add_parser(name, help=text)
        if act is not _sbom:
            command.add_argument("name", choices=images.DOCKERFILES, metavar="NAME")
        command.set_defaults(act=act)
    timed = commands.add_parser("start", help="time the operator's start on a node of its own")
    timed.add_argument("--times", type=int, default=5, help="how often; 5 if not said")
    timed.set_defaults(act=_start)
    chosen = parser.parse_args()
    try:
        print(chosen.act(chosen))
    except (BuildError, BusyError, CommandError, DiedError, NodeError, NotReadyError) as error:
        _say(f"error: {error}")
        return 1
    return 0


def _build(chosen: argparse.Namespace) -> str:
    archive = images.build(chosen.name, say=_say)
    return f"{archive}\n{images.reference(archive)}"


def _report(chosen: argparse.Namespace) -> str:
    path = images.build(chosen.name, say=_say)
    archive = Archive(path)
    rows = [(layer.compressed, _step(layer.made_by)) for layer in archive.layers]
    rows.append((archive.compressed, f"compressed; {archive.unpacked / _MB:.1f} MB of files"))
    lines = [f"{size / _MB:8.1f} MB  {what}" for size, what in rows]
    return "\n".join([images.reference(path), *lines])


def _sbom(_: argparse.Namespace) -> str:
    return Archive(images.build("operator", say=_say)).read("opt/modelyard/sbom.cdx.json").decode()


def _start(chosen: argparse.Namespace) -> str:
    archive = images.build("operator", say=_say)
    with Cluster(ROOT / ".cluster" / "image", _say).up(_NEEDED) as cluster:
        cluster.load_image(archive)
        operator.install(cluster)
        starts = [start(cluster, images.reference(archive)) for _ in range(chosen.times)]
    took = sorted(each.seconds for each in starts)
    cpu = statistics.median(each.cpu for each in starts)
    memory = max(each.memory for each in starts)
    return (
        f"{statistics.median(took):.2f} s from the container's start to /readyz, the median of"
        f" {len(took)} ({took[0]:.2f} to {took[-1]:.2f}); until then {cpu:.2f} s of CPU and"
        f" {memory / _MB:.0f} MB of memory"
    )


def _step(made_by: str) -> str:
    """The step of a Dockerfile in one short line, without what its builder puts before it."""
    text = " ".join(made_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").split())
    return text if len(text) < 80 else f"{text[:77]}..."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
