"""Hands a build the way in which pip of this machine finds packages, as secrets of the build."""

import ast
import subprocess
import sys
from pathlib import Path

# Those that mean the same elsewhere; a folder of wheels, for one, is not there in a build.
_KEPT = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries", "no-index")
_AUTHORITIES = "/run/secrets/authorities"


def secrets(folder: Path) -> list[str]:
    """The options ``--secret`` of a build, with the files that they name in ``folder``.

    Secret ``pip`` is a pip.conf; ``authorities`` the certificates that it trusts, where pip of this
    machine trusts others than its own. A secret is mounted while a step runs and is in no layer.
    """
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = _read(said.stdout)
    lines = [f"{name} = {value}" for name, value in found.items() if name in _KEPT]
    options = []
    authorities = Path(found.get("cert", ""))
    if authorities.is_file():
        lines.append(f"cert = {_AUTHORITIES}")
        options.append(f"--secret=id=authorities,src={authorities}")
    written = folder / "pip.conf"
    written.touch(mode=0o600)  # an index may ask for a password
    written.write_text("\n".join(["[global]", *lines, ""]))
    return [*options, f"--secret=id=pip,src={written}"]


def _read(listed: str) -> dict[str, str]:
    """The settings of ``pip config list`` by name, of which the last section wins that has one."""
    rows = [line.partition("=") for line in listed.splitlines()]
    return {
        key.removeprefix(section): str(ast.literal_eval(value)).replace("\n", "\n ")
        for section in ("global.", "install.", ":env:.")
        for key, _, value in rows
        if key.startswith(section)
    }
