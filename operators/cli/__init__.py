"""The console command ``modelyard``."""

import argparse
from collections.abc import Sequence

from operators.cli import backtest, leave, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the subcommand named by ``arguments`` (the process's own by default); its exit code."""
    parser = argparse.ArgumentParser(
        prog="modelyard", description="Kubernetes operators for machine-learning operations."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in (run, leave, backtest):
        each.add_to(commands)
    parsed = parser.parse_args(arguments)
    result: int = parsed.act(parsed)
    return result
