"""The two ways to build a Dockerfile to an archive: buildah as root, or a running Docker."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.binaries import BuildError, Progress, cache
from hack.image import debian
from hack.image.command import run, run_alone
from hack.image.indexes import secrets

_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap", "unshare": "util-linux"}
_STORE_LIMIT = 6 * 2**30
_ADD = "FROM scratch\nADD root.tar /\n"


@dataclass(frozen=True)
class Source:
    """What an image is built of: a folder, a Dockerfile in it, and the name of the image."""

    context: Path
    dockerfile: Path
    name: str

    @property
    def arguments(self) -> list[str]:
        return [f"--file={self.dockerfile}", f"--tag={self.name}", str(self.context)]


Build = Callable[[Source, Path, Progress], None]
"""Builds an image to an archive at a path, whose folder it may use for what is of a moment."""


def missing() -> tuple[str, ...]:
    """Why no image can be built here, in lines that say what to install; empty when it can."""
    if _buildah_is_there() or _docker_answers():
        return ()
    lacking = [package for program, package in _PACKAGES.items() if not shutil.which(program)]
    reasons = [] if os.geteuid() == 0 else ["building an image without Docker needs root"]
    if lacking:
        reasons.append(f"on Debian or Ubuntu: apt-get install {' '.join(lacking)}")
    return tuple(reasons)


def engine() -> tuple[str, Build]:
    """A name for how images are built here, which tells its bases too, and the way to do it.

    Raises BuildError with what is missing.
    """
    if _buildah_is_there():
        roots = " ".join(f"{name}={debian.key(name)}" for name in debian.ROOTS)
        return f"buildah {roots}", _by_buildah
    if _docker_answers():
        return "docker", _by_docker
    raise BuildError("; ".join(["neither Docker nor buildah is to be had here", *missing()]))


def _buildah_is_there() -> bool:
    return os.geteuid() == 0 and all(map(shutil.which, _PACKAGES))


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(asked, capture_output=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _by_docker(source: Source, archive: Path, progress: Progress) -> None:
    build = ["docker", "build", *secrets(archive.parent), *source.arguments]
    run(build, progress, f"building {source.name}", {**os.environ, "DOCKER_BUILDKIT": "1"})
    save = ["docker", "save", f"--output={archive}", source.name]
    run(save, progress, f"writing {source.name}", os.environ)


def _by_buildah(source: Source, archive: Path, progress: Progress) -> None:
    """With a store under the cache, which is for speed only and is emptied when it is large."""
    folder = archive.parent
    store = cache() / "images" / "store"
    if store.is_dir() and _size(store) > _STORE_LIMIT:
        shutil.rmtree(store)
    buildah = ["buildah", f"--root={store}", f"--runroot={folder / 'run'}"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    bases = {root: _base(root, buildah, folder, progress) for root in debian.ROOTS}
    build = [*buildah, "build", "--isolation=chroot", "--layers", "--pull=never"]
    build += [f"--build-arg={root.upper()}={base}" for root, base in bases.items()]
    build += [*secrets(folder), *source.arguments]
    run_alone(build, progress, f"building {source.name}", environment)
    # In Docker's format, as all others are compressed, which takes longer than to build.
    push = [*buildah, "push", source.name, f"docker-archive:{archive}:{source.name}"]
    run_alone(push, progress, f"writing {source.name}", environment)


def _base(root: str, buildah: list[str], folder: Path, progress: Progress) -> str:
    """The name, in the store, of a root file system that ``debian`` makes."""
    name = f"localhost/modelyard/{root}:{debian.key(root)}"
    there = subprocess.run(
        [*buildah, "images", "--quiet", name], capture_output=True, check=False, timeout=60
    )
    if there.returncode:
        context = folder / root
        context.mkdir()
        (context / "Dockerfile").write_text(_ADD)
        (context / "root.tar").hardlink_to(debian.tarball(root, progress))
        add = [*buildah, "build", "--isolation=chroot", f"--tag={name}", str(context)]
        run_alone(add, progress, f"taking up {name}", {**os.environ, "TMPDIR": str(folder)})
    return name


def _size(folder: Path) -> int:
    said = subprocess.run(
        ["du", "--summarize", "--block-size=1", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return int(said.stdout.split()[0])
