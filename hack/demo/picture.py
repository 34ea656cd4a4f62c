"""Writes scenes of a real run as an SVG that loads nothing from anywhere."""

import io
import re
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, RenderableType

_WIDTH = 110
# rich names a web font: an image in a README must not call on anybody.
_WEB_FONTS = re.compile(r"@font-face\s*\{[^}]*\}")
_COMMENTS = re.compile(r"<!--.*?-->")


def write(path: Path, title: str, drawn: Iterable[RenderableType], summary: Iterable[str]) -> None:
    """Scenes as drawn, one below the other, and how it ended, as one picture of a terminal."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for scene in drawn:
        console.print(scene)
    for line in summary:
        console.print(line, highlight=False)
    path.write_text(alone(console.export_svg(title=title)))


def alone(svg: str) -> str:
    """An SVG of rich's that names no address and asks for fonts that are on most machines."""
    svg = _WEB_FONTS.sub("", svg).replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    return _COMMENTS.sub("", svg)
