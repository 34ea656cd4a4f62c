"""Argo Rollouts in the contest: its own controller, built from its own Go module.

Its pods are on fake nodes. The requests go to the same model servers as everyone's: it finds the
destinations of a route by the first part of their host, which is here the name of its Service.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from hack.bench.live.contest import CANDIDATE, STABLE, WEIGHT, host
from hack.cluster import binaries
from hack.cluster.cluster import Cluster
from hack.cluster.folder import locked
from hack.cluster.site import Site, answers, binary, environment

_NAMESPACE = "argo-rollouts"
_PREPARED_WITHIN = 90.0


class ArgoRollouts:
    """Argo Rollouts 1.10.2, with an analysis far sharper than its documentation's example."""

    name = "Argo Rollouts"
    user = f"system:serviceaccount:{_NAMESPACE}:{_NAMESPACE}"

    def start(self, cluster: Cluster) -> None:
        """Installs its CRDs, then starts its controller; rights are not what is compared."""
        binaries.ensure(["rollouts-controller"])
        for path in binaries.data("rollouts-controller"):
            cluster.kubectl("apply", "--server-side", "-f", str(path))
        cluster.nodes.add(1)
        cluster.apply(*_account())
        kubeconfig = cluster.service_account_kubeconfig(_NAMESPACE, _NAMESPACE)
        site = Site(cluster.folder)
        with locked(cluster.folder):
            site.choose_ports(["rollouts-metrics", "rollouts-health"])
        process = site.process("rollouts-controller")
        command = [
            *(str(binary("rollouts-controller")), f"--kubeconfig={kubeconfig}"),
            *("--leader-elect=false", f"--metricsPort={site.port('rollouts-metrics')}"),
            f"--healthzPort={site.port('rollouts-health')}",
        ]
        process.start(command, environment({"POD_NAMESPACE": _NAMESPACE}))
        process.await_ready(lambda: answers(site.port("rollouts-health"), "/healthz"), seconds=60)

    def prepare(self, cluster: Cluster, namespace: str) -> None:
        """Its first revision, which it takes for the stable one without any judgement."""
        template = _analysis(cluster.prometheus_url, host(namespace, CANDIDATE), namespace)
        services = (_service(namespace, STABLE), _service(namespace, CANDIDATE))
        cluster.apply(*services, template, _rollout(namespace, "1"))
        deadline = time.monotonic() + _PREPARED_WITHIN
        while (status := _status(cluster, namespace)).get("phase") != "Healthy":
            if time.monotonic() > deadline:
                raise TimeoutError(f"Rollout {namespace}/model: {status}")
            time.sleep(1.0)

    def release(self, cluster: Cluster, namespace: str) -> None:
        cluster.apply(_rollout(namespace, "2"))

    def why(self, cluster: Cluster, namespace: str) -> str:
        status = _status(cluster, namespace)
        return f"{status.get('phase', '')}: {status.get('message', '')}"


def _status(cluster: Cluster, namespace: str) -> dict[str, Any]:
    found = json.loads(cluster.kubectl("get", "rollout", "model", f"-n={namespace}", "-o=json"))
    status: dict[str, Any] = found.get("status", {})
    return status


def _account() -> tuple[Mapping[str, Any], ...]:
    name = {"name": _NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", **name, "namespace": _NAMESPACE}
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": name},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**name, "namespace": _NAMESPACE},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "roleRef": role,
            "subjects": [subject],
        },
    )


def _service(namespace: str, arm: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": arm, "namespace": namespace},
        "spec": {"selector": {"app": "model"}, "ports": [{"name": "http", "port": 80}]},
    }


def _analysis(prometheus: str, candidate: str, namespace: str) -> Mapping[str, Any]:
    """Judged every 10 s on the last minute, and aborted by the fourth bad look."""
    cluster = rf"outbound\\|80\\|\\|{candidate.replace('.', '[.]')};?"
    series = f'envoy_cluster_upstream_rq{{envoy_cluster_name=~"{cluster}",envoy_response_code'
    good, every = f'{series}=~"[1-4].."}}', f'{series}!=""}}'
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "success-rate", "namespace": namespace},
        "spec": {
            "metrics": [
                {
                    "name": "success-rate",
                    "initialDelay": "10s",
                    "interval": "10s",
                    "successCondition": "result[0] >= 0.99",
                    "failureLimit": 3,
                    "provider": {
                        "prometheus": {
                            "address": prometheus,
                            "query": f"sum(rate({good}[1m])) / sum(rate({every}[1m]))",
                        }
                    },
                }
            ]
        },
    }


def _rollout(namespace: str, version: str) -> Mapping[str, Any]:
    route = {"virtualService": {"name": "model", "routes": ["primary"]}}
    container = {"name": "model", "image": "model", "env": [{"name": "VERSION", "value": version}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "model", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "model"}},
            "template": {
                "metadata": {"labels": {"app": "model"}},
                "spec": {"containers": [container]},
            },
            "strategy": {
                "canary": {
                    "stableService": STABLE,
                    "canaryService": CANDIDATE,
                    "trafficRouting": {"istio": route},
                    "analysis": {
                        "templates": [{"templateName": "success-rate"}],
                        "startingStep": 1,
                    },
                    "steps": [{"setWeight": WEIGHT}, {"pause": {}}],
                }
            },
        },
    }
