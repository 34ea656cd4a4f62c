"""The benchmark's HPA model beside the controller of the local kube-controller-manager."""

import http.client
import json
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from hack.bench.autoscaler.hpa_metrics import Sample
from hack.bench.autoscaler.real.apis import (
    AwayError,
    custom_metrics,
    external_metrics,
    resource_metrics,
)
from hack.bench.autoscaler.real.extension import extended
from hack.bench.autoscaler.real.luck import drawn
from hack.bench.autoscaler.real.scripts import SCRIPTS
from hack.bench.autoscaler.real.server import listening
from hack.bench.autoscaler.real.validate import report, validate
from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError

pytestmark = pytest.mark.cluster

LOOKS = 15
"""The whole scripts, and more of them, are played by python -m hack.bench.autoscaler.real."""


def test_the_model_decides_as_the_controller_does_at_every_look(
    own_cluster: Callable[..., Cluster],
) -> None:
    scripts = [replace(script, looks=min(script.looks, LOOKS)) for script in SCRIPTS]
    scripts += [drawn(seed, LOOKS) for seed in range(8)]
    outcomes = validate(own_cluster("core"), scripts)
    said: list[str] = []
    assert report(outcomes, said.append), "\n".join(said)
    assert [outcome.script for outcome in outcomes if not outcome.looks] == []
    assert sum(outcome.changes for outcome in outcomes) > 100, "\n".join(said)


def get(cluster: Cluster, path: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = json.loads(cluster.kubectl("get", "--raw", path))["items"]
    return items


def test_metrics_of_any_source_are_served_through_the_api_server_while_the_context_lasts(
    cluster: Cluster,
) -> None:
    def values(namespace: str, metric: str) -> list[float]:
        if metric == "away":
            raise AwayError("its source does not answer")
        return {"queue": [3.0, 4.5]}.get(metric, []) if namespace == "some" else []

    apis = (
        external_metrics(values),
        custom_metrics(lambda *_: {"a": Sample(1.5, at=60.0)}, lambda *_: 2.5),
        resource_metrics(lambda _: {"b": Sample(0.25, at=60.0)}),
    )
    external = "/apis/external.metrics.k8s.io/v1beta1/namespaces/some"
    with extended(cluster, *apis):
        assert [item["value"] for item in get(cluster, f"{external}/queue")] == ["3000m", "4500m"]
        assert get(cluster, f"{external}/none") == []
        with pytest.raises(CommandError, match="its source does not answer"):
            get(cluster, f"{external}/away")
        custom = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/some"
        (of_pod,) = get(cluster, f"{custom}/pods/*/load")
        assert of_pod["timestamp"] == "1970-01-01T00:01:00Z"
        (of_object,) = get(cluster, f"{custom}/services/web/load")
        assert of_object["value"] == "2500m"
        (usage,) = get(cluster, "/apis/metrics.k8s.io/v1beta1/namespaces/some/pods")
        assert usage["containers"] == [{"name": "main", "usage": {"cpu": "250m"}}]
    with pytest.raises(CommandError, match="could not find the requested resource"):
        get(cluster, f"{external}/queue")


def test_the_extension_server_answers_nobody_without_a_certificate_of_the_cluster(
    cluster: Cluster,
) -> None:
    pki = cluster.folder / "pki"
    anyone, proxy = (ssl.create_default_context(cafile=str(pki / "ca.crt")) for _ in range(2))
    proxy.load_cert_chain(pki / "front-proxy.crt", pki / "front-proxy.key")

    def status(port: int, context: ssl.SSLContext) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
        with closing(connection):
            connection.request("GET", "/apis/external.metrics.k8s.io/v1beta1")
            return connection.getresponse().status

    with listening(pki, [external_metrics(lambda *_: [])]) as port:
        assert status(port, proxy) == http.HTTPStatus.OK
        with pytest.raises(OSError, match=r"CERTIFICATE_REQUIRED|EOF occurred|reset by peer"):
            status(port, anyone)
