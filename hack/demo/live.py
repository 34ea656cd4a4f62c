"""Reads where the canary and Envoy stand, as often as somebody wants to see it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import kubernetes
import urllib3
from kubernetes.client.exceptions import ApiException

from controllers.api.modelcanary import MODELCANARY
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus
from hack.cluster.cluster import Cluster

_SECONDS = 5.0


class NoAnswerError(Exception):
    """The API server or Envoy did not answer; the message says which and why."""


class Live:
    """One ModelCanary, and the routes of the Envoy that its requests go through."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._namespace, self._name = namespace, name
        config = str(cluster.kubeconfig)
        self._client = kubernetes.config.new_client_from_config(config)  # type: ignore[no-untyped-call]
        self._admin = urlsplit(cluster.envoy_admin_url)

    def canary(self) -> tuple[ModelCanarySpec, ModelCanaryStatus]:
        """The object as the API server has it now; raises NoAnswerError."""
        kind, objects = MODELCANARY.resource, kubernetes.client.CustomObjectsApi(self._client)
        place = (kind.group, kind.version, self._namespace, kind.plural, self._name)
        try:
            answer: Any = objects.get_namespaced_custom_object(*place, _request_timeout=_SECONDS)
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise NoAnswerError(f"the API server: {error}") from error
        spec = ModelCanarySpec.model_validate(answer["spec"])
        return spec, ModelCanaryStatus.model_validate(answer.get("status", {}))

    def weights(self, host: str) -> dict[str, int]:
        """The percentage of each destination host in the route by which Envoy serves ``host``.

        Empty as long as Envoy has no such route. Raises NoAnswerError.
        """
        port = self._admin.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request("GET", "/config_dump?resource=dynamic_route_configs")
            return weights(json.loads(connection.getresponse().read()), host)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"Envoy's admin page: {error}") from error
        finally:
            connection.close()

    def close(self) -> None:
        self._client.close()


def weights(dump: Mapping[str, Any], host: str) -> dict[str, int]:
    """The weights by destination host in Envoy's dump of its route configurations."""
    for action in _actions(dump, host):
        if "cluster" in action:
            return {_destination(action["cluster"]): 100}
        clusters = action["weighted_clusters"]["clusters"]
        return {_destination(one["name"]): int(one.get("weight", 0)) for one in clusters}
    return {}


def _actions(dump: Mapping[str, Any], host: str) -> Iterator[Mapping[str, Any]]:
    for config in dump.get("configs", ()):
        for virtual in config["route_config"].get("virtual_hosts", ()):
            if host in virtual["domains"]:
                yield from (route["route"] for route in virtual.get("routes", ()))


def _destination(cluster: str) -> str:
    """The host in Istio's name of a cluster, which is ``outbound|port|subset|host;``."""
    return cluster.rpartition("|")[2].rstrip(";")
