"""Renders the CustomResourceDefinition of a kind."""

from typing import Any

from controllers.api.base import CATEGORY, GROUP, VERSION, Column, Crd
from hack.generate.structural import Schema, structural
from hack.generate.text import NOTICE, to_yaml


def file_name(crd: Crd) -> str:
    """The name that the definition has in the cluster, and its file after it."""
    return f"{crd.plural}.{GROUP}.yaml"


def definition(crd: Crd) -> dict[str, Any]:
    """The CustomResourceDefinition as an object of the API server."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{crd.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": crd.kind,
                "listKind": f"{crd.kind}List",
                "plural": crd.plural,
                "singular": crd.singular,
                "shortNames": list(crd.short_names),
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [_version(crd)],
        },
    }


def schema(crd: Crd) -> Schema:
    """The schema of the whole object; what every Kubernetes object has, the server adds itself."""
    return {
        "description": crd.description,
        "type": "object",
        "required": ["spec"],
        # Names appear in label values, which hold 63 characters.
        "x-kubernetes-validations": [
            {
                "rule": "size(self.metadata.name) <= 63",
                "message": "metadata.name must be at most 63 characters",
            }
        ],
        "properties": {
            "spec": structural(crd.spec),
            "status": structural(crd.status, defaults=False),
        },
    }


def render(crd: Crd) -> str:
    """The file that users apply."""
    return f"# {NOTICE}\n" + to_yaml(definition(crd))


def _version(crd: Crd) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in crd.columns],
        "schema": {"openAPIV3Schema": schema(crd)},
    }


def _column(column: Column) -> dict[str, Any]:
    said = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        said["description"] = column.description
    return {**said, "priority": 1} if column.wide else said
