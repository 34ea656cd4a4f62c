"""The table: each target beside what was reached and beside the baseline of the same run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One figure; ``met`` is None where there is no target."""

    what: str
    target: str
    reached: str
    baseline: str
    met: bool | None = None


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    marks = {True: "yes", False: "**NO**", None: ""}
    lines = ["| | target | reached | met | baseline, same run |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.target} | {row.reached} | {marks[row.met]} | {row.baseline} |"
        for row in rows
    ]
    return "\n".join(lines)


def quantile(values: Sequence[float], share: float) -> float:
    """Not a number where there are no values, so that no target is met by it."""
    return float(np.quantile(values, share)) if values else float("nan")
