"""Kinds of objects that are not ours: those with a short name here, and any by its full one."""

import re

from controllers.plan import Resource

POD = Resource("", "v1", "pods", "Pod")
REPLICA_SET = Resource("apps", "v1", "replicasets", "ReplicaSet")
DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SET = Resource("apps", "v1", "statefulsets", "StatefulSet")

_KNOWN = {f"{one.plural}.{one.group}": one for one in (DEPLOYMENT, STATEFUL_SET)}
_FULL = re.compile(r"([a-z0-9]+)\.(v[a-z0-9]+)\.([a-z0-9.-]+)=([A-Za-z0-9]+)")


def resource(text: str) -> Resource:
    """The kind of that name: ``deployments.apps``, or ``rollouts.v1alpha1.argoproj.io=Rollout``.

    ValueError says what is wanted where it is neither.
    """
    if text in _KNOWN:
        return _KNOWN[text]
    full = _FULL.fullmatch(text)
    if full is None:
        raise ValueError(
            f"{text!r} is none of {', '.join(_KNOWN)}, nor plural.version.group=Kind, "
            "such as rollouts.v1alpha1.argoproj.io=Rollout"
        )
    plural, version, group, kind = full.groups()
    return Resource(group, version, plural, kind)
