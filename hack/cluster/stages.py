"""The stages by which kwok starts a pod: at once, after a time that its annotation names, or never.

A pod's annotation ``modelyard.dev/start-up`` is a Go duration (``5s``), a range of which each pod
draws its own (``4s..8s``), or ``never``. Such a pod runs at once and is ready when that time is
over, as a model server is that still loads its weights. A pod that is edited meanwhile starts anew.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

START_UP = "modelyard.dev/start-up"
NEVER = "never"
_ASKED = f'.metadata.annotations["{START_UP}"]'

_STARTED = """
{{ $now := Now }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "False", reason: ContainersNotReady, lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "False", reason: ContainersNotReady,
   lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
{{ $uid := or .metadata.uid "" }}
{{ $name := or .metadata.name "" }}
{{ $namespace := or .metadata.namespace "" }}
podIP: {{ PodIPWith .spec.nodeName (or .spec.hostNetwork false) $uid $name $namespace | Quote }}
phase: Running
startTime: {{ $now | Quote }}
"""

_READY = """
{{ $now := Now }}
conditions:
- {type: Ready, status: "True", reason: "", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", reason: "", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .status.containerStatuses }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ .state.running.startedAt | Quote }}}}
{{ end }}
"""


def with_start_up(files: Sequence[Path]) -> str:
    """The text of kwok's own stages, and of two more for pods that ask for a start-up time."""
    stages = [stage for file in files for stage in yaml.safe_load_all(file.read_text())]
    for stage in stages:
        if stage["metadata"]["name"] == "pod-ready":
            _selectors(stage).append(_rule(_ASKED, "DoesNotExist"))
    return yaml.safe_dump_all([*stages, _start(), _warm()])


def _start() -> dict[str, Any]:
    rules = [_rule(_ASKED, "Exists"), _rule(".status.phase", "In", "Pending")]
    return _stage("pod-start", rules, {"next": {"statusTemplate": _STARTED}})


def _warm() -> dict[str, Any]:
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    rules = [
        _rule(_ASKED, "Exists"),
        _rule(_ASKED, "NotIn", NEVER),
        _rule(".status.phase", "In", "Running"),
        _rule(ready, "NotIn", "True"),
    ]
    delay = {
        "durationFrom": {"expressionFrom": f'{_ASKED} | split("..") | .[0]'},
        "jitterDurationFrom": {"expressionFrom": f'{_ASKED} | split("..") | .[1]'},
    }
    return _stage("pod-warm", rules, {"delay": delay, "next": {"statusTemplate": _READY}})


def _stage(name: str, rules: Sequence[dict[str, Any]], then: dict[str, Any]) -> dict[str, Any]:
    alive = _rule(".metadata.deletionTimestamp", "DoesNotExist")
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": [alive, *rules]},
            **then,
        },
    }


def _rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _selectors(stage: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage["spec"]["selector"]["matchExpressions"]
    return found
