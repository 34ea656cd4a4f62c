"""The page docs/faults.md, from the table of faults."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hack.faults.api import EVENTS, OPENINGS, REQUESTS
from hack.faults.prometheus import ANSWERS
from hack.faults.rows import ROWS
from hack.generate.text import table

ROOT = Path(__file__).resolve().parents[2]


def page() -> str:
    """The text of docs/faults.md."""
    head = ("Fault", "Played by", "Promised", "State", "Shown by", "Remark")
    rows = [
        (one.fault, one.how, one.promise, one.state.value, _links(one.tests), one.note)
        for one in ROWS
    ]
    text = Path(__file__).with_name("page.md").read_text()
    return text.format(table=table(head, rows), names=_names())


def _names() -> str:
    kinds: Mapping[str, Iterable[str]] = {
        "Requests": REQUESTS, "Watches": EVENTS, "Beginnings of watches, and the lease": OPENINGS,
        "Queries": ANSWERS,
    }  # fmt: skip
    lines = [f"- {kind}: {', '.join(names)}." for kind, names in kinds.items()]
    return "What the proxies play, by name:\n\n" + "\n".join(lines) + "\n"


def _links(tests: Iterable[str]) -> str:
    """Each test file once, as a link from docs/."""
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    return ", ".join(f"[{Path(file).stem}](../tests/{file})" for file in files)


def absent(root: Path = ROOT) -> list[str]:
    """The tests that a row names and that there are not."""
    named = [test for row in ROWS for test in row.tests]
    return [test for test in named if not _is_there(root, test)]


def _is_there(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    path = root / "tests" / file
    if not path.is_file():
        return False
    return not name or re.search(rf"^def {name}\(", path.read_text(), re.MULTILINE) is not None
