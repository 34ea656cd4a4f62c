"""How images are built: what goes in, what stays out, and what is said where none can be."""

import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from hack.cluster import images
from hack.cluster.binaries import ROOT, BuildError
from hack.image import engines, indexes, sbom
from hack.image.archive import Archive

NAMES = sorted(images.DOCKERFILES)


def instructions(name: str) -> list[str]:
    """The Dockerfile of an image, an instruction a line, without comments."""
    text = re.sub(r"^#.*\n", "", (ROOT / images.DOCKERFILES[name]).read_text(), flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]


def test_the_operators_image_is_built_of_all_its_tracked_sources_and_of_little_else() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--", "controllers", "operators"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    goes_in = {str(path) for path in images.context("operator")}
    assert goes_in >= {line for line in tracked.stdout.splitlines() if (ROOT / line).exists()}
    others = {path for path in goes_in if not path.startswith(("controllers/", "operators/"))}
    assert others == {
        *("Dockerfile", "LICENSE", "README.md", "hack/image/sbom.py", "pyproject.toml"),
        *(f"requirements/{name}" for name in ("build.txt", "operator.in", "operator.txt")),
    }
    assert not any("__pycache__" in path for path in goes_in)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_dockerfile_copies_is_let_in(name: str) -> None:
    goes_in = {str(path) for path in images.context(name)}
    copied = [line.split()[1:-1] for line in instructions(name) if line.startswith("COPY ")]
    sources = [source for each in copied if not each[0].startswith("--from=") for source in each]
    assert sources
    assert [
        source
        for source in sources
        if source not in goes_in and not any(path.startswith(f"{source}/") for path in goes_in)
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_dockerfile_installs_by_hash_alone_and_ends_as_a_numbered_user(name: str) -> None:
    lines = instructions(name)
    installs = re.findall(r"pip [^&]*install [^&]*", "\n".join(lines))
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert [line for line in lines if line.startswith("ADD ")] == []
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 65532:65532"]
    bases = [line for line in lines if line.startswith("FROM ")]
    own = {line.split()[3] for line in bases if " AS " in line}
    assert all(re.match(r"FROM \$\{\w+\}", line) or line.split()[1] in own for line in bases)


def test_a_rule_that_is_not_understood_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "Dockerfile.dockerignore").write_text("*\n!controllers\nnode_modules\n")
    monkeypatch.setattr(images, "ROOT", tmp_path)
    with pytest.raises(BuildError, match="'node_modules' is none of"):
        images.context("operator")


def test_a_build_finds_packages_as_this_machine_does_and_keeps_none_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authorities = tmp_path / "ca.crt"
    authorities.touch()
    monkeypatch.setenv("PIP_INDEX_URL", "http://somebody:secret@index.example/simple")
    monkeypatch.setenv("PIP_CERT", str(authorities))
    monkeypatch.setenv("PIP_FIND_LINKS", "/not/there/in/a/build")
    options = indexes.secrets(tmp_path)
    written = tmp_path / "pip.conf"
    assert options == [
        f"--secret=id=authorities,src={authorities}",
        f"--secret=id=pip,src={written}",
    ]
    lines = written.read_text().splitlines()
    assert lines[0] == "[global]"
    assert "index-url = http://somebody:secret@index.example/simple" in lines
    assert "cert = /run/secrets/authorities" in lines
    assert "find-links" not in written.read_text()
    assert written.stat().st_mode & 0o077 == 0


def test_where_no_image_can_be_built_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    assert "apt-get install buildah debootstrap" in "; ".join(engines.missing())
    with pytest.raises(BuildError, match=r"neither Docker nor buildah .* debootstrap"):
        engines.engine()


def test_a_container_sees_the_last_layer_that_has_a_path_and_nothing_that_was_removed(
    tmp_path: Path,
) -> None:
    below = {"etc/passwd": b"old", "opt/pip/a.py": b"a", "opt/kept": b"k", "opt/gone": b"g"}
    above = {
        "etc/passwd": b"new",
        "opt/.wh.gone": b"",
        "opt/pip/.wh..wh..opq": b"",
        "opt/pip/b": b"b",
    }
    history = [
        {"created_by": "ADD root.tar /"},
        {"created_by": "ENV A=1", "empty_layer": True},
        {"created_by": "RUN something"},
    ]
    manifest = [{"Config": "config.json", "Layers": ["1.tar", "2.tar"]}]
    path = tmp_path / "image.tar"
    path.write_bytes(
        packed(
            {
                "1.tar": packed(below),
                "2.tar": packed(above),
                "config.json": json.dumps({"history": history}).encode(),
                "manifest.json": json.dumps(manifest).encode(),
            }
        )
    )
    archive = Archive(path)
    assert set(archive.files) == {"etc/passwd", "opt/kept", "opt/pip/b"}
    assert archive.read("etc/passwd") == b"new"
    assert archive.unpacked == 5
    assert [layer.made_by for layer in archive.layers] == ["ADD root.tar /", "RUN something"]
    with pytest.raises(KeyError, match="opt/gone"):
        archive.read("opt/gone")


def test_the_bill_of_materials_names_each_distribution_once_and_repeats() -> None:
    bill = sbom.bill("modelyard")
    names = [each["bom-ref"] for each in bill["components"]]
    assert len(names) == len(set(names))
    kopf = next(each for each in bill["components"] if each["name"] == "kopf")
    assert kopf["purl"] == f"pkg:pypi/kopf@{kopf['version']}"
    assert kopf["licenses"]
    assert sbom.bill("Modelyard") == bill


def packed(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()
