"""The picture for the README is complete in itself."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hack.cluster.binaries import ROOT
from hack.demo import picture
from hack.demo.scene import Scene
from hack.demo.view import draw

NAMESPACE = "http://www.w3.org/2000/svg"  # a name, which nobody loads


def _names_no_address(svg: str) -> bool:
    return "//" not in svg.replace(NAMESPACE, "")


def test_it_loads_nothing_from_anywhere(tmp_path: Path, promotion: list[Scene]) -> None:
    file = tmp_path / "demo.svg"
    picture.write(file, "make demo", [draw(promotion[-1])], ["version 2 was promoted"])
    svg = file.read_text()
    assert _names_no_address(svg)
    assert "version&#160;2&#160;was&#160;promoted" in svg
    assert ElementTree.fromstring(svg).tag == f"{{{NAMESPACE}}}svg"  # noqa: S314 - our own


@pytest.mark.parametrize("file", ["demo.svg", "demo-autoscaler.svg"])
def test_the_committed_ones_do_not_either(file: str) -> None:
    assert _names_no_address((ROOT / "docs" / file).read_text())
