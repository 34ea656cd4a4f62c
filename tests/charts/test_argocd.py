"""The health that Argo CD shows, judged by the Lua machine that it has."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.api import KINDS
from controllers.api.base import GROUP
from hack.cluster.binaries import ROOT
from hack.cluster.site import binary

SCRIPTS: dict[str, str] = yaml.safe_load((ROOT / "deploy" / "argocd-cm.yaml").read_text())["data"]
SEEN = {"observedGeneration": 3}
READY = {"type": "Ready", "status": "True", "message": "well"}
WAITING = {"type": "Ready", "status": "False", "message": "not yet"}
REFUSED = {"type": "Accepted", "status": "False", "message": "spec.x is wrong"}


def lua(value: Any) -> str:
    """A JSON value as Lua writes it."""
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"[{json.dumps(key)}]={lua(part)}" for key, part in value.items()) + "}"
        )
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    return json.dumps(value)


def health(folder: Path, script: str, obj: dict[str, Any]) -> str:
    """What a health script says of an object: status and message."""
    path = folder / "health.lua"
    path.write_text(
        f"local obj = {lua(obj)}\nlocal function judge()\n{script}\nend\n"
        'local hs = judge()\nprint(hs.status .. ": " .. hs.message)\n'
    )
    done = subprocess.run(
        [str(binary("glua")), str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("spec", "status", "said"),
    [
        ({}, None, "Progressing: the operator has not seen this spec yet"),
        ({}, {"observedGeneration": 2}, "Progressing: the operator has not seen this spec yet"),
        ({}, {**SEEN, "conditions": [REFUSED, READY]}, "Degraded: spec.x is wrong"),
        ({}, {**SEEN, "phase": "RolledBack", "message": "worse"}, "Degraded: worse"),
        ({}, {**SEEN, "phase": "Paused", "message": "approve"}, "Suspended: approve"),
        ({"suspend": True}, {**SEEN, "conditions": [WAITING]}, "Suspended: not yet"),
        ({}, {**SEEN, "phase": "Promoted", "conditions": [READY]}, "Healthy: well"),
        ({}, {**SEEN, "phase": "Certifying", "conditions": [WAITING]}, "Progressing: not yet"),
        ({}, SEEN, "Progressing:"),
    ],
)
def test_an_application_is_as_healthy_as_its_objects(
    spec: dict[str, Any], status: dict[str, Any] | None, said: str, tmp_path: Path
) -> None:
    obj = {"metadata": {"generation": 3}, "spec": spec}
    if status is not None:
        obj["status"] = status
    assert {health(tmp_path, script, obj) for script in SCRIPTS.values()} == {said}


def test_every_kind_has_a_health() -> None:
    wanted = {f"resource.customizations.health.{GROUP}_{kind.kind}" for kind in KINDS}
    assert SCRIPTS.keys() == wanted
