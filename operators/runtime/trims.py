"""What is kept of objects that come by the ten thousand, or that drag along what nobody reads."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from controllers.api.base import GROUP
from operators.runtime.objects import Obj, shared, slim

MANAGER = "replicasManager"
"""The key under which ``workload`` says who last set ``spec.replicas``."""

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CONDITIONS = ("Ready", "PodScheduled")
_LONGEST = 200


def pod(obj: Obj) -> Obj:
    """Who a pod belongs to, where it is and how far it has come, in the shape pods have.

    Metadata without annotations of others and with the controlling owner only; ``spec.nodeName``;
    of status the phase, the conditions Ready and PodScheduled, and of each container how often it
    was restarted and what it waits for.
    """
    status = obj.get("status", {})
    kept: Obj = shared(
        {
            "apiVersion": obj.get("apiVersion", "v1"),
            "kind": obj.get("kind", "Pod"),
            "metadata": _metadata(obj["metadata"]),
            "spec": _named(obj.get("spec", {}), "nodeName"),
            "status": {
                **_named(status, "phase"),
                "conditions": [
                    _condition(one)
                    for one in status.get("conditions") or ()
                    if one["type"] in _CONDITIONS
                ],
                "containerStatuses": [
                    _container(one) for one in status.get("containerStatuses") or ()
                ],
            },
        }
    )
    return kept


def replica_set(obj: Obj) -> Obj:
    """Between a pod and its Deployment: labels, owner, and how many replicas there shall be."""
    kept: Obj = shared(
        {
            "apiVersion": obj.get("apiVersion", "apps/v1"),
            "kind": obj.get("kind", "ReplicaSet"),
            "metadata": _metadata(obj["metadata"]),
            "spec": _named(obj.get("spec", {}), "replicas"),
        }
    )
    return kept


def workload(obj: Obj) -> Obj:
    """A workload without its pod template, of which the labels stay and a digest of the whole.

    ``replicasManager`` beside ``spec`` names the field manager that last set ``spec.replicas``;
    it is empty where nobody is recorded.
    """
    spec = dict(obj.get("spec") or {})
    if isinstance(spec.get("template"), Mapping):
        spec["template"] = _template(spec["template"])
    meta = dict(obj["metadata"])
    if _APPLIED in (meta.get("annotations") or {}):
        meta["annotations"] = {
            name: text for name, text in meta["annotations"].items() if name != _APPLIED
        }
    manager = sys.intern(_manager(meta.get("managedFields") or ()))
    return slim({**obj, "metadata": meta, "spec": spec, MANAGER: manager})


def _metadata(meta: Mapping[str, Any]) -> dict[str, Any]:
    kept = _named(
        meta, "namespace", "name", "uid", "resourceVersion", "labels", "creationTimestamp",
        "deletionTimestamp",
    )  # fmt: skip
    owners = [one for one in meta.get("ownerReferences") or () if one.get("controller")]
    if owners:
        # The same in all pods of an owner, and longer than what is shared anyway.
        kept["ownerReferences"] = [
            {
                **{name: sys.intern(owners[0][name]) for name in ("kind", "name", "uid")},
                "controller": True,
            }
        ]
    ours = {
        name: text
        for name, text in (meta.get("annotations") or {}).items()
        if name.startswith(f"{GROUP}/")
    }
    return {**kept, "annotations": ours} if ours else kept


def _condition(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = _named(one, "type", "status", "lastTransitionTime", "reason")
    if one.get("status") != "True" and one.get("message"):
        kept["message"] = sys.intern(one["message"][:_LONGEST])
    return kept


def _container(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = _named(one, "name", "restartCount")
    waiting = one.get("state", {}).get("waiting")
    if waiting:
        kept["state"] = {"waiting": _named(waiting, "reason")}
    return kept


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    labels = (template.get("metadata") or {}).get("labels") or {}
    return {"metadata": {"labels": labels}, "digest": digest}


def _manager(entries: Iterable[Mapping[str, Any]]) -> str:
    """Of all who are recorded for the field, the last by time; by place in the list where equal."""
    newest, manager = "", ""
    for entry in entries:
        fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if "f:replicas" in fields and entry.get("time", "") >= newest:
            newest, manager = entry.get("time", ""), str(entry.get("manager", ""))
    return manager


def _named(of: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: of[name] for name in names if name in of}
