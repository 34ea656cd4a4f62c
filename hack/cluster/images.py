"""Builds our own images to archives, without a registry, once for each state of what goes in."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hack.cluster.binaries import ROOT, BuildError, Progress, cache
from hack.image import engines

DOCKERFILES = {
    "operator": "Dockerfile",
    "model-server": "hack/image/model_server/Dockerfile",
}
"""The images by their name; beside each Dockerfile its .dockerignore says what goes in."""
_KEPT = 3  # archives of an image, for branches between which somebody goes back and forth


def build(name: str, *, say: Callable[[str], None]) -> Path:
    """An archive of the image ``name``, that of an earlier call while nothing that goes in changed.

    It holds one image, called ``reference(archive)``, as ``docker save`` writes it. Takes a quarter
    of a minute; the first on a machine takes minutes more, for its bases. Raises BuildError, with
    what to install where the machine can build none.
    """
    archives = cache() / "images"
    archives.mkdir(parents=True, exist_ok=True)
    with (archives / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(dir=archives, prefix="building-") as folder:
            # What is built is what the digest is of, whoever edits the checkout meanwhile.
            files, copied = context(name), Path(folder) / "context"
            _copy(files, copied)
            digest = _digest(files, copied)
            archive = archives / f"{name}-{digest}.tar"
            if not archive.is_file():
                unfinished = Path(folder) / archive.name
                _, engine = engines.engine()
                dockerfile = copied / DOCKERFILES[name]
                engine(
                    engines.Source(copied, dockerfile, reference(archive)),
                    unfinished,
                    Progress(say),
                )
                unfinished.replace(archive)
                _forget(archives, name)
        archive.touch()
    return archive


def reference(archive: Path) -> str:
    """How the image in an archive of ``build`` is called, tag included."""
    name, _, digest = archive.stem.rpartition("-")
    return f"localhost/modelyard/{name}:{digest}"


def context(name: str) -> tuple[Path, ...]:
    """The files that go into an image, relative to the checkout, its Dockerfile among them.

    As its .dockerignore says it, of which three forms are known: ``*`` first, ``!PATH`` for a file
    or folder that goes in, ``**/NAME`` for what does not, wherever it is.
    """
    ignored = f"{DOCKERFILES[name]}.dockerignore"
    lines = (ROOT / ignored).read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    never = {rule.removeprefix("**/") for rule in rules if rule.startswith("**/")}
    found = {Path(DOCKERFILES[name])}
    for rule in rules:
        if rule.startswith("!"):
            path = ROOT / rule[1:]
            inside = path.rglob("*") if path.is_dir() else (path,)
            found |= {file.relative_to(ROOT) for file in inside if not file.is_dir()}
        elif rule != "*" and not rule.startswith("**/"):
            raise BuildError(f"{ignored}: {rule!r} is none of *, !PATH and **/NAME")
    return tuple(sorted(file for file in found if not never.intersection(file.parts)))


def _digest(files: Iterable[Path], root: Path) -> str:
    """What changes when a file that goes in does, or the way in which images are built here."""
    digest = hashlib.sha256(engines.engine()[0].encode())
    for file in files:
        digest.update(f"\0{file}\0".encode() + (root / file).read_bytes())
    return digest.hexdigest()[:12]


def _copy(files: Iterable[Path], folder: Path) -> None:
    """What goes in and nothing else, as readable as it is to be in the image."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, folder / file)
        (folder / file).chmod(0o644)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        path.chmod(0o755)


def _forget(archives: Path, name: str) -> None:
    """Removes all archives of an image but those that were last asked for."""
    found = [path for path in archives.glob(f"{name}-*.tar") if _is_of(path, name)]
    for old in sorted(found, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink()


def _is_of(archive: Path, name: str) -> bool:
    return archive.stem.rpartition("-")[0] == name
