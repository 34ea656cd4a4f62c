"""How one process runs: the one place that knows flags' defaults and the environment."""

import os
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "MODELYARD_"


class Settings(BaseModel):
    """All settings of ``modelyard run``; each is a flag and a variable ``MODELYARD_...``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    namespace: str = ""
    """Serve this namespace only; empty: all of them."""
    prometheus_url: str = ""
    """Address of Prometheus; empty: there is none, and what needs one waits."""
    prometheus_token_file: str = ""
    """File with a bearer token for Prometheus, read again when it changes."""
    prometheus_ca_file: str = ""
    """File with the certificates that Prometheus's own is checked against."""
    leader_elect: bool = True
    """Act only while holding the Lease; without it, nothing else may act."""
    lease_namespace: str = "modelyard-system"
    """Where the Lease is."""
    lease_name: str = "modelyard"
    """Its name."""
    kinds: tuple[str, ...] = ()
    """Serve these kinds only, such as ModelCanary; empty: all of them."""
    dry_run: bool = False
    """Decide and explain in status, and write nothing else."""
    kubeconfig: str = ""
    """File to reach the API server by; empty: $KUBECONFIG, else as a pod of the cluster."""
    listen: Annotated[str, Field(pattern=r"^[^:]*:[0-9]{1,5}$")] = "0.0.0.0:8080"
    """Where /metrics, /healthz and /readyz are served."""
    log_format: Annotated[str, Field(pattern="^(json|text)$")] = "json"
    """json or text."""
    checkpoint: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds for which a status that can be recomputed may stay in memory."""


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings that the environment gives, as text by field name."""
    given = {
        name: environ[variable]
        for name in Settings.model_fields
        if (variable := PREFIX + name.upper()) in environ
    }
    if "kubeconfig" not in given and environ.get("KUBECONFIG"):
        given["kubeconfig"] = environ["KUBECONFIG"]
    return given
