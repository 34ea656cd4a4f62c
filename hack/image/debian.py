"""Root file systems with Python for a machine that can pull no base image, made by debootstrap."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hack.cluster.binaries import Progress, cache
from hack.image.command import run_alone

SUITE = "bookworm"  # its Python is 3.11
_ALWAYS = ("python3", "ca-certificates")
ROOTS: Mapping[str, tuple[str, ...]] = {"base": _ALWAYS, "builder": (*_ALWAYS, "python3-pip")}
"""The packages of each root file system, beside those that every Debian has."""
_NOT_NEEDED = (
    "./usr/share/doc/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
    "./var/cache/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
)
_TARGETS = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
# In memory, as dpkg waits for the disk after every file.
_SCRIPT = """
mount -t tmpfs -o size=1g,mode=755 none "$1"
debootstrap --variant=minbase --include="$2" --cache-dir="$3" "$4" "$1" $5
tar --create --file="$6" --directory="$1" --anchored $7 .
"""


def key(name: str) -> str:
    """What changes when the root file system would be made otherwise."""
    made_of = repr((SUITE, ROOTS[name], _NOT_NEEDED))
    return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def tarball(name: str, progress: Progress) -> Path:
    """The root file system of that name as a tar file, made once per machine; needs root.

    Raises BuildError with the last lines of debootstrap.
    """
    made = cache() / "images" / "roots" / f"{name}-{key(name)}.tar"
    if made.is_file():
        return made
    packages = made.parent / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        root, unfinished = Path(folder) / "root", Path(folder) / "root.tar"
        root.mkdir()
        excluded = " ".join(f"--exclude={pattern}" for pattern in _NOT_NEEDED)
        arguments = [str(root), ",".join(ROOTS[name]), str(packages), SUITE]
        arguments += [_mirror(), str(unfinished), excluded]
        what = f"making a Debian root file system ({name}), once, about a minute"
        run_alone(["sh", "-efc", _SCRIPT, "sh", *arguments], progress, what, os.environ)
        unfinished.replace(made)
    for old in made.parent.glob(f"{name}-*.tar"):
        if old != made:
            old.unlink()
    return made


def _mirror() -> str:
    """The mirror that apt of this machine uses for the suite; empty where it has none."""
    if not shutil.which("apt-get"):
        return ""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    rows = (line.split(" ", 3) for line in said.stdout.splitlines() if line.count(" ") >= 3)
    return next((uri for *what, uri in rows if what == ["Debian", SUITE, "main"]), "")
