"""What the figures say about the targets."""

import math
from dataclasses import dataclass

from hack.bench.runtime.baselines import Listing, Timers
from hack.bench.runtime.objects import INTERVAL
from hack.bench.runtime.phases import RATE, Busy, Rest, Start
from hack.bench.runtime.records import Changes
from hack.bench.runtime.report import Row, quantile
from hack.bench.runtime.setting import Size
from operators.runtime.watching import SWEEP

CPU = 1.0
MEMORY = 300.0
READY = 60.0
P99 = 1.0


@dataclass(frozen=True)
class Found:
    """All that was measured in one run."""

    first: Start
    again: Start
    rest: Rest
    quiet: Changes
    busy: Busy
    loud: Changes
    listing: Listing
    timers: Timers
    queries: float
    """Seconds of a bare client for the queries of one block of every run."""


def rows(found: Found, size: Size) -> list[Row]:
    """The table of one run."""
    return [*_resting(found, size), *_starting(found, size), *_running(found, size), *_told(found)]


def _resting(found: Found, size: Size) -> list[Row]:
    rest, timers = found.rest, found.timers
    sweep = 100.0 * found.listing.canaries[1] / SWEEP
    share = rest.spent.percent + sweep
    return [
        Row(
            f"CPU at rest, {size.objects} canaries, one core",
            f"< {CPU:g} %",
            f"{share:.2f} % ({rest.spent.percent:.2f} % in {rest.spent.seconds:.0f} s, "
            f"{sweep:.2f} % for the list every {SWEEP / 60:.0f} min)",
            f"{timers.spent.percent:.1f} %: kopf with a timer of {INTERVAL} s for each",
            share < CPU,
        ),
        Row(
            "memory at rest",
            f"< {MEMORY:g} MiB",
            f"{rest.resident:.0f} MiB, at most {rest.highest:.0f} since its start",
            f"{timers.resident:.0f} MiB: the same",
            rest.highest < MEMORY,
        ),
        Row(
            "writes at rest, per minute",
            "0 to objects",
            f"{rest.per_minute(rest.object_writes):.1f} to objects, "
            f"{rest.per_minute(rest.lease_writes):.0f} to the lease",
            "",
            rest.object_writes == 0,
        ),
        Row(
            "API server's CPU meanwhile",
            "",
            f"{rest.server.percent:.1f} % of a core",
            "",
        ),
    ]


def _starting(found: Found, size: Size) -> list[Row]:
    first, again = found.first, found.again
    seconds, cpu = map(sum, zip(found.listing.canaries, found.listing.routes, strict=True))
    return [
        Row(
            "restart after SIGKILL until ready",
            f"< {READY:g} s",
            f"{again.ready:.1f} s",
            f"{seconds:.1f} s, {cpu:.1f} s of CPU: bare lists",
            again.ready < READY,
        ),
        Row(
            f"... until all {size.objects} are decided about, the lease's expiry included",
            "",
            f"{again.decided:.1f} s, {again.cpu:.1f} s of CPU",
            f"{found.timers.started:.0f} s: kopf's timers restarted, until each had looked once",
        ),
        Row(
            "the first start: each adopted, with a status and an event",
            "",
            f"{first.decided:.0f} s, {first.cpu:.0f} s of CPU",
            "",
        ),
    ]


def _running(found: Found, size: Size) -> list[Row]:
    busy = found.busy
    looks = busy.delays[math.inf]
    in_time = busy.delays[INTERVAL]
    blocks = busy.blocks / max(1.0, size.active * busy.expected)
    each = 1000.0 * busy.spent.cpu / max(1.0, busy.blocks)
    delay = ", ".join(
        f"{name} within {min(s for s, n in busy.delays.items() if n >= q * looks):g} s"
        for name, q in _QUANTILES
    )
    return [
        Row(
            f"{size.active} in a run: judged within their {INTERVAL} s",
            "all",
            f"{in_time:.0f} of {looks:.0f} looks; {delay}",
            f"{found.queries:.1f} s: the bare queries of one block of each",
            0 < looks == in_time,
        ),
        Row(
            "blocks judged, of those that ended in the time measured",
            "",
            f"{100 * blocks:.1f} % ({busy.blocks:.0f} in {busy.spent.seconds:.0f} s), "
            f"{busy.failed:.0f} queries without an answer",
            "",
        ),
        Row(
            "their cost",
            "",
            f"{busy.spent.percent:.1f} % of a core, {each:.1f} ms of CPU a block, "
            f"{busy.resident:.0f} MiB, at most {busy.highest:.0f}",
            f"Prometheus {busy.prometheus.percent:.0f} %, API server {busy.server.percent:.0f} %",
        ),
        Row(
            "queries to Prometheus, writes to the API server",
            "",
            f"{(busy.blocks + busy.failed) / busy.spent.seconds:.1f} /s, "
            f"{busy.writes / busy.spent.seconds:.1f} /s",
            "",
        ),
    ]


_QUANTILES = (("half", 0.5), ("99 %", 0.99), ("all", 1.0))


def _told(found: Found) -> list[Row]:
    return [
        _change("at rest", found.quiet),
        _change("while the runs are judged", found.loud),
    ]


def _change(when: str, changes: Changes) -> Row:
    p99 = quantile(changes.answered, 0.99)
    count = len(changes.answered) + changes.unanswered
    return Row(
        f"changed spec to status {when}, {RATE:.0f} a second",
        f"p99 < {P99:g} s",
        f"p50 {quantile(changes.answered, 0.5):.2f} s, p99 {p99:.2f} s, "
        f"max {quantile(changes.answered, 1.0):.2f} s; {changes.unanswered} of {count} unanswered",
        f"p99 {quantile(changes.bare, 0.99):.3f} s: the change itself",
        p99 < P99 and not changes.unanswered,
    )
