"""How one process runs: the one place that knows flags' defaults and the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from operators.runtime.resources import resource

PREFIX = "MODELYARD_"
_PLACE = re.compile(r"[^:]*:([0-9]{1,5})")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


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
    scale_targets: tuple[str, ...] = ("deployments.apps", "statefulsets.apps")
    """Kinds of workloads whose replicas may be set; others as plural.version.group=Kind."""
    dry_run: bool = False
    """Decide and explain in status, and write nothing else."""
    kubeconfig: str = ""
    """File to reach the API server by; empty: $KUBECONFIG, else as a pod of the cluster."""
    listen: str = "0.0.0.0:8080"
    """Where /metrics, /healthz and /readyz are served."""
    log_format: Literal["json", "text"] = "json"
    """json or text."""
    checkpoint: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds for which a status that can be recomputed may stay in memory."""

    @field_validator("namespace", "lease_namespace")
    @classmethod
    def _is_one_namespace(cls, name: str, info: ValidationInfo) -> str:
        if not _LABEL.fullmatch(name) and (name or info.field_name == "lease_namespace"):
            raise ValueError("this is not the name of one namespace")
        return name

    @field_validator("prometheus_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and not (parts.scheme in {"http", "https"} and parts.hostname):
            raise ValueError("this is no address such as http://prometheus.monitoring:9090")
        return url

    @field_validator("prometheus_token_file", "prometheus_ca_file")
    @classmethod
    def _is_a_file_for_prometheus(cls, name: str, info: ValidationInfo) -> str:
        if name and not info.data.get("prometheus_url", name):
            raise ValueError("this is of no use without --prometheus-url")
        if name and not Path(name).is_file():
            raise ValueError("there is no such file")
        return name

    @field_validator("listen")
    @classmethod
    def _is_a_place_to_listen(cls, address: str) -> str:
        port = _PLACE.fullmatch(address)
        if port is None or int(port[1]) > 65535:
            raise ValueError("this is no host and port such as 0.0.0.0:8080")
        return address

    @field_validator("scale_targets")
    @classmethod
    def _are_resources(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            resource(name)
        return names


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
