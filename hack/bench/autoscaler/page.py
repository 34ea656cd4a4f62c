"""The page around the tables: what was simulated, how it is to be read, and where it ends."""

from collections.abc import Mapping
from pathlib import Path

FRAME = Path(__file__).with_name("page.md")


def page(known: Mapping[str, str]) -> str:
    """The page with each ``{{name}}`` of its frame replaced; raises KeyError for one unknown."""
    first, *others = FRAME.read_text(encoding="utf-8").split("{{")
    filled = [first]
    for part in others:
        name, rest = part.split("}}", 1)
        filled += [known[name].rstrip("\n"), rest]
    return "".join(filled)
