"""What a back-test has to say: figures, tables, lines to draw and what to bear in mind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.readings import FloatArray


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; all columns but the first are numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """The table in columns."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.head))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


@dataclass(frozen=True, eq=False)
class Chart:
    """What was needed and what there would have been, at the same instants."""

    times: FloatArray
    """Unix seconds."""
    unit: str
    needed: FloatArray
    """NaN where not known."""
    ours: FloatArray
    other: FloatArray
    names: tuple[str, str, str]
    """Of the three lines."""


@dataclass(frozen=True)
class Report:
    """All that is said at the end."""

    title: str
    facts: Sequence[str]
    tables: Sequence[Table]
    chart: Chart
    notes: Sequence[str]


def when(at: float, form: str = "%Y-%m-%d %H:%M") -> str:
    """An instant as text, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(form)
