"""Reads where both workloads and their autoscalers stand."""

from datetime import datetime
from typing import Any

import kubernetes
import urllib3
from kubernetes.client.exceptions import ApiException

from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from hack.cluster.cluster import Cluster
from hack.demo.autoscaler.scene import Told
from hack.demo.live import NoAnswerError

_SECONDS = 5.0
_TELLERS = frozenset({"InferenceAutoscaler", "HorizontalPodAutoscaler"})


class Live:
    """The objects of one namespace; every question raises NoAnswerError where there is no answer.

    ``name`` is the InferenceAutoscaler's.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._namespace, self._name = namespace, name
        config = str(cluster.kubeconfig)
        self._client = kubernetes.config.new_client_from_config(config)  # type: ignore[no-untyped-call]

    def status(self) -> InferenceAutoscalerStatus:
        """The autoscaler's status."""
        kind, objects = INFERENCEAUTOSCALER.resource, kubernetes.client.CustomObjectsApi
        place = (kind.group, kind.version, self._namespace, kind.plural, self._name)
        answer = self._ask(objects(self._client).get_namespaced_custom_object, *place)
        return InferenceAutoscalerStatus.model_validate(answer.get("status", {}))

    def replicas(self) -> dict[str, tuple[int, int, int]]:
        """By Deployment how many are asked for, are there, and are ready."""
        apps = kubernetes.client.AppsV1Api(self._client)
        found = self._ask(apps.list_namespaced_deployment, self._namespace)
        return {
            one.metadata.name: (
                one.spec.replicas,
                one.status.replicas or 0,
                one.status.ready_replicas or 0,
            )
            for one in found.items
        }

    def events(self) -> list[tuple[str, float, Told]]:
        """What was told about the autoscalers: an id, unix time, and the event."""
        core = kubernetes.client.CoreV1Api(self._client)
        found = self._ask(core.list_namespaced_event, self._namespace)
        return [
            (
                one.metadata.uid,
                _time(one),
                Told(f"{one.involved_object.name} {one.reason}", one.message or ""),
            )
            for one in found.items
            if one.involved_object.kind in _TELLERS
        ]

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _ask(self, call: Any, *place: str) -> Any:
        try:
            return call(*place, _request_timeout=_SECONDS)
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise NoAnswerError(f"the API server: {error}") from error


def _time(event: Any) -> float:
    first: datetime = event.event_time or event.first_timestamp or event.metadata.creation_timestamp
    return first.timestamp()
