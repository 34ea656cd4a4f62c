"""The list of all packages around this program, as CycloneDX JSON; run by the image's build."""

import hashlib
import json
import shutil
import subprocess
import sys
import uuid
from importlib import metadata
from typing import Any
from urllib.parse import quote

_DEBIAN = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"


def bill(product: str) -> dict[str, Any]:
    """The bill of materials of the machine this runs on, as CycloneDX 1.6.

    Its components are the Python distributions that this interpreter sees, each with its licence,
    and the Debian packages, where there are any. ``product`` is the distribution that the bill is
    of. The same machine gives the same bill: it holds no date and no random number.
    """
    found = {_normal(each.name): each for each in metadata.distributions()}
    subject = _distribution(found.pop(_normal(product)))
    components = [_distribution(found[name]) for name in sorted(found)] + _debian()
    serial = hashlib.sha256(json.dumps([subject, components]).encode()).digest()[:16]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=serial, version=4)}",
        "version": 1,
        "metadata": {"component": {**subject, "type": "application"}},
        "components": components,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": [each["bom-ref"] for each in components]}
        ],
    }


def _distribution(found: metadata.Distribution) -> dict[str, Any]:
    name = _normal(found.name)
    licences = _licences(found.metadata)
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{quote(found.version)}",
        "name": name,
        "version": found.version,
        "purl": f"pkg:pypi/{name}@{quote(found.version)}",
        **({"licenses": licences} if licences else {}),
    }


def _licences(about: metadata.PackageMetadata) -> list[dict[str, Any]]:
    """As the distribution says it: an SPDX expression, else the name that it gives, in one line."""
    if expression := _said(about, "License-Expression"):
        return [{"expression": expression}]
    classifiers = about.get_all("Classifier") or []
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: ")]
    said = _said(about, "License")
    if said and "\n" not in said:
        names = [said]
    return [{"license": {"name": name}} for name in names]


def _said(about: metadata.PackageMetadata, key: str) -> str:
    return about[key].strip() if key in about else ""


def _debian() -> list[dict[str, Any]]:
    if not shutil.which("dpkg-query"):
        return []
    said = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={_DEBIAN}"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    return [
        {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        }
        for state, name, version, architecture in rows
        if state == "installed"
        for purl in [f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"]
    ]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    json.dump(bill(sys.argv[1]), sys.stdout, indent=1)
