"""Runs the pinned Helm, which shares nothing with one that the machine's user may have set up."""

import subprocess
import tempfile
from pathlib import Path

from hack.cluster.binaries import ROOT
from hack.cluster.site import binary, environment

OPERATOR = ROOT / "charts" / "modelyard"
CRDS = ROOT / "charts" / "modelyard-crds"
NAME = "modelyard"
NAMESPACE = "modelyard-system"


class HelmError(Exception):
    """Helm refused; the message is what it said."""


def helm(*arguments: str, kubeconfig: Path | None = None, seconds: float = 300.0) -> str:
    """What Helm prints. Raises HelmError, and BuildError where it is not built yet.

    Without a kubeconfig it knows of no cluster.
    """
    with tempfile.TemporaryDirectory(prefix="modelyard-helm-") as home:
        own = {f"HELM_{part}_HOME": f"{home}/{part}" for part in ("CACHE", "CONFIG", "DATA")}
        own["KUBECONFIG"] = str(kubeconfig or Path(home) / "none")
        done = subprocess.run(
            [str(binary("helm")), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=environment(own),
        )
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def template(chart: Path, *flags: str, name: str = NAME, namespace: str = NAMESPACE) -> str:
    """The objects of a chart as YAML, as ``helm install`` would make them."""
    return helm("template", name, str(chart), f"--namespace={namespace}", *flags)
