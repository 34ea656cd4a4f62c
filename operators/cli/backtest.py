"""``modelyard backtest``: what a manifest would have decided on the history of its Prometheus."""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from controllers.api.base import go_duration, seconds
from operators.backtest import drawing
from operators.backtest.kinds import RUNS
from operators.backtest.manifest import load
from operators.backtest.recording import Recording, RecordingError
from operators.backtest.replay import BacktestError, Run, instants, replay
from operators.backtest.report import Report
from operators.runtime.settings import environment
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus

DEADLINE = 60.0
"""Seconds for one request: it may be about ten thousand instants."""
BAR = 30


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the subcommand."""
    parser = commands.add_parser(
        "backtest",
        help="show what a manifest would have decided on recorded history",
        description=(
            "Runs the decisions of one object over what its Prometheus has recorded, with replicas"
            f" that follow them. Reads, and writes nothing. Kinds: {', '.join(RUNS)}."
        ),
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="manifest with the object, in YAML")
    parser.add_argument("--from", dest="since", metavar="TIME", default="24h", help=(
        "when it begins: 2026-11-20, 2026-11-20T08:00:00Z, or how long before --to (default: 24h)"
    ))  # fmt: skip
    parser.add_argument("--to", dest="until", metavar="TIME", default="0s", help=(
        "when it ends: the same, or how long ago (default: now)"
    ))  # fmt: skip
    parser.add_argument("--step", metavar="DURATION", default="", help=(
        "seconds between decisions, 1s to 5m (default: spec.analysis.interval)"
    ))  # fmt: skip
    parser.add_argument("--plot", metavar="FILE.svg", type=Path, help="write the plot as SVG too")
    for name, text in (
        ("url", "address of Prometheus"),
        ("token-file", "file with a bearer token for it"),
        ("ca-file", "file with the certificates that its own is checked against"),
    ):
        parser.add_argument(f"--prometheus-{name}", metavar=name.rsplit("-", 1)[-1].upper(),
                            help=text, default=None)  # fmt: skip
    parser.set_defaults(act=act)


def act(parsed: argparse.Namespace) -> int:
    """Prints the report; 2 where there is none, with what is wrong on stderr."""
    try:
        report = asyncio.run(_tested(parsed))
        if parsed.plot:
            parsed.plot.write_text(drawing.svg(report.chart, report.title))
    except (BacktestError, RecordingError, OSError) as error:
        print(f"modelyard backtest: {error}", file=sys.stderr)
        return 2
    print(shown(report))
    return 0


def shown(report: Report) -> str:
    """The report as it is printed."""
    parts = [report.title, "\n".join(report.facts), drawing.text(report.chart)]
    parts += [table.text() for table in report.tables]
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in report.notes)])


async def _tested(parsed: argparse.Namespace) -> Report:
    run = _run(parsed.file, parsed.step)
    now = time.time()
    until = moment(parsed.until, now, "--to")
    since = moment(parsed.since, until, "--from")
    if until > now:
        raise BacktestError(f"--to {parsed.until} lies in the future")
    at = instants(since, until, run.step)
    settings = environment()
    prometheus = Prometheus(
        _setting(parsed.prometheus_url, settings, "prometheus_url"),
        Telemetry(),
        token_file=_setting(parsed.prometheus_token_file, settings, "prometheus_token_file"),
        ca_file=_setting(parsed.prometheus_ca_file, settings, "prometheus_ca_file"),
        deadline=DEADLINE,
    )
    bar = _Bar()
    try:
        return await replay(run, Recording(prometheus, at, bar.show), at, bar.show)
    finally:
        bar.end()
        prometheus.close()


def _run(file: Path, step: str) -> Run:
    manifest = load(file, [crd for crd, _ in RUNS.values()])
    try:
        every = seconds(step) if step else None
    except ValueError as error:
        raise BacktestError(f"--step {step}: {error}") from error
    if every is not None and (every != int(every) or not 1 <= every <= 300):
        raise BacktestError(f"--step {step}: give whole seconds from 1s to 5m")
    try:
        return RUNS[manifest.api.kind][1](manifest, None if every is None else int(every))
    except ValueError as error:
        raise BacktestError(f"{file}: {error}") from error


def moment(text: str, before: float, flag: str) -> float:
    """The unix seconds of a time, or of a duration before ``before``; without a zone it is UTC."""
    try:
        return before - seconds(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BacktestError(
            f"{flag} {text}: give a time such as 2026-11-20T08:00:00Z or a duration such as"
            f" {go_duration(7 * 86400)}"
        ) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _setting(given: str | None, settings: dict[str, str], name: str) -> str:
    return given if given is not None else settings.get(name, "")


class _Bar:
    """One line on stderr that is written over, where that is a terminal; else nothing.

    Plain text, so that the operator's image needs no library for it.
    """

    def __init__(self) -> None:
        self._shown = False

    def show(self, what: str, share: float) -> None:
        """Draws the bar; ``share`` of ``what`` is done."""
        if not sys.stderr.isatty():
            return
        full = round(BAR * share)
        print(f"\r{what:<16} [{'#' * full}{'.' * (BAR - full)}] {share:4.0%}",
              end="", file=sys.stderr, flush=True)  # fmt: skip
        self._shown = True

    def end(self) -> None:
        """Leaves no line behind."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
