"""Small plots as SVG: panels with axes, lines, points and a legend, and nothing else."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from controllers.readings import FloatArray

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 34, 44
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#111111")
"""Paul Tol's bright scheme, which the colour-blind can tell apart, and black."""
Scale = Callable[[float], float]


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of one name, joined or not."""

    name: str
    x: FloatArray
    y: FloatArray
    colour: str
    joined: bool = True
    marked: bool = False
    thick: bool = False


@dataclass(frozen=True, eq=False)
class Axis:
    """From where to where, where the ticks are and what they are called."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def scale(self, first: float, last: float) -> Scale:
        """Where on the sheet a value lies; what is beyond the axis lies on its end."""
        span = self.high - self.low

        def place(value: float) -> float:
            inside = min(max(value, self.low), self.high)
            return first + (inside - self.low) / span * (last - first)

        return place


@dataclass(frozen=True, eq=False)
class Panel:
    """One plot."""

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve] = field(default=())


def linear(label: str, low: float, high: float, steps: int = 5) -> Axis:
    """An axis with round ticks."""
    raw = (high - low) / steps
    unit = 10.0 ** math.floor(math.log10(raw))
    step = min((one * unit for one in (1.0, 2.0, 5.0, 10.0)), key=lambda one: abs(one - raw))
    first = math.ceil(low / step - 1e-9)
    ticks = [(k * step, f"{k * step:g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]
    return Axis(label, low, high, ticks)


def sheet(panels: Sequence[Panel], columns: int, width: int = WIDTH) -> str:
    """All panels in rows, with one legend below for the names of all curves."""
    rows = math.ceil(len(panels) / columns)
    legend, lines = _legend(panels, columns * width)
    height = rows * HEIGHT + lines * 20 + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * width} {height}" '
        f'width="{columns * width}" font-family="sans-serif" font-size="12">',
        f'<rect width="{columns * width}" height="{height}" fill="white"/>',
    ]
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        parts.append(f'<g transform="translate({column * width},{row * HEIGHT})">')
        parts += _panel(panel, width)
        parts.append("</g>")
    parts.append(f'<g transform="translate(0,{rows * HEIGHT + 6})">{legend}</g></svg>')
    return "\n".join(parts) + "\n"


def _panel(panel: Panel, width: int) -> list[str]:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    across, up = panel.x.scale(LEFT, right), panel.y.scale(bottom, TOP)
    parts = [_text(LEFT, TOP - 12, panel.title, "start", bold=True)]
    for value, name in panel.x.ticks:
        parts.append(_line(across(value), TOP, across(value), bottom))
        parts.append(_text(across(value), bottom + 16, name, "middle"))
    for value, name in panel.y.ticks:
        parts.append(_line(LEFT, up(value), right, up(value)))
        parts.append(_text(LEFT - 6, up(value) + 4, name, "end"))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 8, panel.x.label, "middle"))
    parts.append(
        f'<text transform="translate(12,{(TOP + bottom) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(panel.y.label)}</text>'
    )
    for curve in panel.curves:
        points = [(across(x), up(y)) for x, y in zip(curve.x, curve.y, strict=True)]
        parts += _curve(curve, points)
    return parts


def _curve(curve: Curve, points: Sequence[tuple[float, float]]) -> list[str]:
    parts = []
    if curve.joined:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        width = 2.5 if curve.thick else 1.2
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{curve.colour}" '
            f'stroke-width="{width}"/>'
        )
    if curve.marked:
        size = 5 if curve.thick else 2.5
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{curve.colour}"/>'
            for x, y in points
        ]
    return parts


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    where = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {where} stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _legend(panels: Sequence[Panel], width: int) -> tuple[str, int]:
    """The legend, and how many lines it has."""
    names = {curve.name: curve.colour for panel in panels for curve in panel.curves}
    parts, x, line = [], LEFT, 0
    for name, colour in names.items():
        wide = 34 + 7 * len(name)
        if x + wide > width - RIGHT and x > LEFT:
            x, line = LEFT, line + 1
        y = 12 + 20 * line
        parts.append(f'<rect x="{x}" y="{y - 6}" width="16" height="6" fill="{colour}"/>')
        parts.append(_text(x + 22, y, name, "start"))
        x += wide
    return "".join(parts), line + 1
