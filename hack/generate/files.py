"""Every generated file by its path, and how the checkout differs from them."""

from collections.abc import Mapping
from pathlib import Path

from controllers.api import KINDS
from hack.generate import chart, crd, metrics, rbac, reference, rights
from operators.kinds import RULES

ROOT = Path(__file__).resolve().parents[2]
_GENERATED_FOLDERS = ("crds", "docs/reference", chart.CRDS, chart.RULES)
"""Folders that hold nothing else, so that the file of a removed kind is noticed."""


def render() -> dict[str, str]:
    """The text of every generated file, by its path from the root of the checkout."""
    files = {f"crds/{crd.file_name(kind)}": crd.render(kind) for kind in KINDS}
    files |= {f"docs/reference/{kind.singular}.md": reference.render(kind) for kind in KINDS}
    files["docs/reference/metrics.md"] = metrics.render()
    values = (ROOT / chart.CHART / "values.yaml").read_text(encoding="utf-8")
    files["docs/reference/values.md"] = chart.values(values)
    files["docs/reference/rights.md"] = rights.render()
    files["deploy/rbac.yaml"] = rbac.render(RULES)
    return {**files, **chart.files()}


def stale(wanted: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """The paths that are missing, that differ, or that nothing generates any more."""
    differing = [path for path, text in wanted.items() if _read(root / path) != text]
    return sorted({*differing, *left_over(wanted, root)})


def left_over(wanted: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Files in the generated folders that nothing generates any more."""
    present = (path for folder in _GENERATED_FOLDERS for path in (root / folder).glob("*"))
    names = (path.relative_to(root).as_posix() for path in present)
    return sorted(name for name in names if name not in wanted)


def write(wanted: Mapping[str, str], root: Path = ROOT) -> None:
    """Makes the checkout hold exactly the generated files."""
    for name in left_over(wanted, root):
        (root / name).unlink()
    for name, text in wanted.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
