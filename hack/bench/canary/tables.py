"""Tables in Markdown, and how numbers are written in them."""

import math
from collections.abc import Sequence

from controllers.readings import FloatArray
from hack.bench.canary.measures import Share, quantile, share

NEVER = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows)) + "\n"


def percent(value: float) -> str:
    """A share in percent, with as many digits as it has."""
    return f"{100 * value:.1f} %" if 0.0 < value < 0.1 else f"{100 * value:.0f} %"


def minutes(value: float) -> str:
    """Minutes; a dash where it did not happen in time."""
    if math.isinf(value) or math.isnan(value):
        return NEVER
    return f"{value:.1f}" if value < 100.0 else f"{value:.0f}"


def bounded(value: Share) -> str:
    """A share and its upper bound."""
    return f"{percent(value.value)} (≤ {percent(value.upper)})"


def detection(found: FloatArray) -> str:
    """The share that was found, the median and the 95th percentile of the minutes."""
    times = " / ".join(minutes(quantile(found, level)) for level in (0.5, 0.95))
    return f"{percent(share(found).value)}, {times}"
