"""Writes scenes of a real run as an SVG that loads nothing from anywhere."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hack.demo.scene import Scene
from hack.demo.view import draw

_WIDTH = 110
# rich names a web font: an image in a README must not call on anybody.
_WEB_FONTS = re.compile(r"@font-face\s*\{[^}]*\}")


def write(path: Path, title: str, scenes: Sequence[Scene]) -> None:
    """The scenes, one below the other, as one picture of a terminal."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for scene in scenes:
        console.print(draw(scene))
    svg = _WEB_FONTS.sub("", console.export_svg(title=title))
    path.write_text(svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas"))
