"""The page around the tables: what was simulated, how it is to be read, and where it ends."""

from collections.abc import Mapping
from pathlib import Path

from hack.bench.canary.study import Size

FRAME = Path(__file__).with_name("page.md")


def page(size: Size, tables: Mapping[str, str]) -> str:
    """The page with each ``{{name}}`` of its frame replaced; raises KeyError for one unknown."""
    text = FRAME.read_text(encoding="utf-8")
    flags = "--quick " if size.quick else ""
    known = {
        **tables,
        "command": f"python -m hack.bench.canary {flags}--runs {size.runs} --seed {size.seed}",
        "runs": f"{size.runs:,}",
        "few": f"{size.few:,}",
        "seed": str(size.seed),
    }
    parts = text.split("{{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, rest = part.split("}}", 1)
        filled += [known[name].rstrip("\n"), rest]
    return "".join(filled)
