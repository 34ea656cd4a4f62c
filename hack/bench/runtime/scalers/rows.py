"""What the figures say about the targets."""

from collections.abc import Iterable

from hack.bench.runtime.objects import INTERVAL
from hack.bench.runtime.phases import RATE
from hack.bench.runtime.report import Row, quantile
from hack.bench.runtime.scalers.objects import AUTOSCALERS
from hack.bench.runtime.scalers.phases import Found
from hack.bench.runtime.scalers.setting import Size
from hack.bench.runtime.scalers.ticks import Ticks
from operators.runtime.resources import DEPLOYMENT

TICK = 2.0
MEMORY = 400.0
P99 = 1.0
DISTINCT = 7
"""Instant queries that a tick needs: four of the demand, one of concurrency, one of the queue, and
one for the newest minute of the history where that ends a tick."""


def rows(found: Found, size: Size) -> list[Row]:
    """The table of one run."""
    return [*_ticking(found, size), *_starting(found, size), *_acting(found)]


def _ticking(found: Found, size: Size) -> list[Row]:
    rest, state = found.rest, found.state
    each = rest.spent.cpu / len(rest.each)
    worst = max(one.decided for one in rest.each)
    queries = rest.queries / len(rest.each)
    alone = found.separately
    return [
        Row(
            f"{size.count} autoscalers, each with {INTERVAL} s: from the instant to the last"
            " decision",
            f"< {TICK:g} s",
            _decided(rest),
            "; ".join(f"{one.round:.0f} s: HPA {name}" for name, one in found.rivals.items()),
            worst < TICK,
        ),
        Row(
            "CPU of a tick, all threads",
            "",
            f"{each:.2f} s, {rest.spent.percent:.1f} % of a core",
            f"{alone.cpu:.1f} s: five queries for each alone, nothing decided;"
            f" HPA {_shares(one.spent.percent for one in found.rivals.values())} of a core",
        ),
        Row(
            "queries of a tick, as Prometheus counts them",
            f"<= {DISTINCT}",
            f"{queries:.1f}; Prometheus {rest.prometheus.percent:.1f} % of a core",
            f"{5 * size.count} in {alone.seconds:.1f} s: each alone",
            queries <= DISTINCT,
        ),
        Row(
            "memory, at its highest since the start",
            f"< {MEMORY:g} MiB",
            f"{rest.highest:.0f} MiB, {rest.resident:.0f} at rest",
            f"{_megabytes(one.resident for one in found.rivals.values())}: HPA controller alone",
            rest.highest < MEMORY,
        ),
        Row(
            "longest wait for a page of the operator's metrics in a tick",
            "",
            f"{max(one.held_up for one in rest.each):.2f} s",
            "",
        ),
        Row(
            "writes at rest, per minute",
            "0 to targets",
            f"{rest.writes(DEPLOYMENT.plural):.0f} to targets,"
            f" {rest.writes(AUTOSCALERS.plural):.0f} to statuses; API server"
            f" {rest.server.percent:.1f} % of a core",
            "API server"
            f" {_shares(one.server.percent for one in found.rivals.values())} of a core: HPA",
            rest.writes(DEPLOYMENT.plural) == 0,
        ),
        Row(
            "... all measured, forecasts that are trusted, minutes that they rest on",
            "all",
            f"{state.measured}, {state.trusted}, {state.minutes}",
            "",
            state.measured == size.count,
        ),
    ]


def _starting(found: Found, size: Size) -> list[Row]:
    first, reading = found.first, found.reading
    return [
        Row(
            "first start: ready, and each adopted with a status",
            "",
            f"{first.ready:.1f} s, {first.decided:.0f} s, {first.cpu:.0f} s of CPU",
            "",
        ),
        Row(
            f"history of 14 days read back, {size.days} of them filled",
            "",
            f"{reading.seconds:.0f} s, {reading.queries:.0f} queries,"
            f" {reading.spent.percent:.0f} % of a core meanwhile",
            "",
        ),
        Row(
            "... until the forecasts of all rest on it, as their statuses say",
            "",
            f"{reading.used:.0f} s more",
            "",
        ),
        Row("the same tick right after the start", "", _decided(found.early), ""),
    ]


def _acting(found: Found) -> list[Row]:
    told, surge = found.changes, found.surge
    p99 = quantile(told.answered, 0.99)
    count = len(told.answered) + told.unanswered
    return [
        Row(
            f"changed spec to status, {RATE:.0f} a second",
            f"p99 < {P99:g} s",
            f"p50 {quantile(told.answered, 0.5):.2f} s, p99 {p99:.2f} s, max"
            f" {quantile(told.answered, 1.0):.2f} s; {told.unanswered} of {count} unanswered",
            f"p99 {quantile(told.bare, 0.99):.3f} s: the change itself",
            p99 < P99 and not told.unanswered,
        ),
        Row(
            "demand rises for all: from an instant to the end of a write of replicas",
            "",
            f"p50 {quantile(surge.lags, 0.5):.1f} s, max {quantile(surge.lags, 1.0):.1f} s;"
            f" {len(surge.lags)} writes to {surge.scaled} targets",
            "",
        ),
    ]


def _decided(found: Ticks) -> str:
    seconds = [one.decided for one in found.each]
    return f"median {quantile(seconds, 0.5):.2f} s, max {max(seconds):.2f} s of {len(seconds)}"


def _shares(shares: Iterable[float]) -> str:
    return " / ".join(f"{one:.1f} %" for one in shares)


def _megabytes(sizes: Iterable[float]) -> str:
    return " / ".join(f"{one:.0f} MiB" for one in sizes)
