"""The API server as an admin sees it, without a kubectl for each look."""

from collections.abc import Mapping
from typing import Any, Self

import requests

from controllers.plan import Resource
from hack.cluster.cluster import Cluster
from hack.cluster.site import Site
from operators.runtime.gateway import path

ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
WIDE_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole")
WIDE_BINDINGS = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"
)
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
POLICIES = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    "ValidatingAdmissionPolicy",
)
POLICY_BINDINGS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
)

_SECONDS = 10.0


class RefusedError(Exception):
    """The API server said no; the message is its own."""


class Api:
    """Plain objects in and out; RefusedError for every answer but success and "not found"."""

    def __init__(self, cluster: Cluster, proxy: str = "") -> None:
        """``proxy``: where kubectl passes requests on, for a cluster that was not made here."""
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = proxy
        if proxy:
            return
        pki = cluster.folder / "pki"
        self._server = f"https://127.0.0.1:{Site(cluster.folder).port('kube-apiserver')}"
        self._session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))
        self._session.verify = str(pki / "ca.crt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, or None where there is none."""
        return self._ask("GET", path(resource, namespace, name))

    def list(self, resource: Resource, namespace: str) -> list[dict[str, Any]]:
        found = self._ask("GET", path(resource, namespace)) or {}
        items: list[dict[str, Any]] = found.get("items", [])
        return items

    def apply(self, resource: Resource, obj: Mapping[str, Any]) -> None:
        """Server-side apply as field manager ``cluster``, as ``Cluster.apply`` does."""
        meta = obj["metadata"]
        named = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        self._ask(
            "PATCH",
            path(resource, meta.get("namespace", ""), meta["name"])
            + "?fieldManager=cluster&force=true",
            named,
            "application/apply-patch+yaml",
        )

    def merge(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any] | None:
        """The object after a merge patch, or None where there is none."""
        where = path(resource, namespace, name) + (f"/{subresource}" if subresource else "")
        query = "?dryRun=All" if dry_run else ""
        return self._ask("PATCH", where + query, patch, "application/merge-patch+json")

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Asks for the deletion; nothing there is no error."""
        self._ask("DELETE", path(resource, namespace, name))

    def _ask(
        self, method: str, where: str, body: object = None, kind: str = "application/json"
    ) -> dict[str, Any] | None:
        with self._session.request(
            method,
            self._server + where,
            json=body,
            headers={"Content-Type": kind},
            timeout=_SECONDS,
        ) as answer:
            said: dict[str, Any] = answer.json()
            if answer.status_code == requests.codes.not_found:
                return None
            if not answer.ok:
                raise RefusedError(f"{answer.status_code} {method} {where}: {said.get('message')}")
            return said
