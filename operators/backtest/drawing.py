"""The chart of a back-test: as text for the terminal, and as SVG."""

import math
from html import escape

import numpy as np

from controllers.readings import FloatArray
from operators.backtest.report import Chart, when

COLUMNS, ROWS = 72, 12
WIDTH, HEIGHT = 960, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 30, 48
POINTS = 800
"""At most so many instants are drawn; of more, the highest of each group."""
COLOURS = ("#888888", "#4477aa", "#ee6677")
"""Of what is needed, ours and the other: Paul Tol's bright scheme, told apart by anyone."""


def text(chart: Chart) -> str:
    """Bars of what was needed with ours above them; the other as a line."""
    needed, ours, other = (
        _grouped(line, COLUMNS) for line in (chart.needed, chart.ours, chart.other)
    )
    top = max(float(np.nanmax(np.concatenate((needed, ours, other)))), 1.0)
    rows = []
    for row in range(ROWS, 0, -1):
        level, step = top * (row - 0.5) / ROWS, top / ROWS
        cells = "".join(
            _cell(need, mine, his, level, step)
            for need, mine, his in zip(needed, ours, other, strict=True)
        )
        label = f"{top * row / ROWS:.0f}" if row in {ROWS, ROWS // 2} else ""
        rows.append(f"{label:>6} |{cells}".rstrip())
    first, last = when(float(chart.times[0])), when(float(chart.times[-1]))
    rows.append(f"{'0':>6} +{'-' * len(needed)}")
    rows.append(f"{'':>8}{first}{last:>{max(len(needed) - len(first), 0)}}")
    rows.append(
        f"{'':>8}█ {chart.names[0]}; {chart.names[1]}: ░ above it, ! below it; - {chart.names[2]}"
        f" ({chart.unit}, the most of each column)"
    )
    return "\n".join(rows)


def _cell(need: float, mine: float, his: float, level: float, step: float) -> str:
    if -step / 2.0 < his - level <= step / 2.0:
        return "-"
    if level <= need:
        return "█" if level <= mine else "!"
    return "░" if level <= mine else " "


def svg(chart: Chart, title: str) -> str:
    """Steps of the three lines over time."""
    count = min(POINTS, len(chart.times))
    grouped = [_grouped(line, count) for line in (chart.needed, chart.ours, chart.other)]
    top = max(float(np.nanmax(np.concatenate(grouped))), 1.0) * 1.05
    x = LEFT + (WIDTH - RIGHT - LEFT) * np.arange(count + 1) / count
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 16, title),
        *_axes(chart, top),
    ]
    for line, colour, name, place in zip(grouped, COLOURS, chart.names, range(3), strict=True):
        parts.append(
            f'<path d="{_steps(x, _height(line, top))}" fill="none" stroke="{colour}"'
            ' stroke-width="1.3"/>'
        )
        parts.append(f'<g fill="{colour}">{_text(LEFT + 200 * place, HEIGHT - 6, name)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(chart: Chart, top: float) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for value in range(0, math.floor(top) + 1, _round_step(top)):
        y = float(_height(np.array([value]), top)[0])
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 6, y + 4, str(value), "end"))
    first, last = float(chart.times[0]), float(chart.times[-1])
    for share, anchor in ((0.0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"),
                          (1.0, "end")):  # fmt: skip
        name = when(first + (last - first) * share, "%b %d %H:%M")
        parts.append(_text(LEFT + (right - LEFT) * share, bottom + 16, name, anchor))
    parts.append(_text(right, 16, chart.unit, "end"))
    return parts


def _round_step(top: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that makes seven ticks at most."""
    power = int(10 ** max(math.floor(math.log10(top / 6)), 0))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= top / 6)


def _height(line: FloatArray, top: float) -> FloatArray:
    bottom = HEIGHT - BOTTOM
    return np.asarray(bottom - (bottom - TOP) * line / top, dtype=np.float64)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _steps(x: FloatArray, y: FloatArray) -> str:
    """A path of steps that leaves out what is not known."""
    said, drawn = [], False
    for begin, end, height in zip(x[:-1], x[1:], y, strict=True):
        if np.isnan(height):
            drawn = False
            continue
        said.append(f"V{height:.1f}H{end:.1f}" if drawn else f"M{begin:.1f} {height:.1f}H{end:.1f}")
        drawn = True
    return "".join(said)


def _grouped(line: FloatArray, most: int) -> FloatArray:
    """The highest of each of at most ``most`` groups of neighbours; NaN where none is known."""
    groups = np.array_split(line, min(most, len(line)))
    return np.array([np.fmax.reduce(group) for group in groups])
