"""The door: what pods reach of this machine, which all listens on loopback and nowhere else.

A second Envoy passes connections on, at the address that only the node sees. Pods know what is
behind it by the Services ``default/kubernetes``, ``monitoring/prometheus`` and
``istio-system/modelyard-gateway``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hack.cluster import istio
from hack.cluster.envoy import program
from hack.cluster.node.network import network
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers

_NAME = "door"


@dataclass(frozen=True)
class _Service:
    """A port of this machine, and the Service that leads pods to it."""

    port: str
    namespace: str
    name: str
    number: int
    scheme: str


_SERVICES = (
    _Service("kube-apiserver", "default", "kubernetes", 443, "https"),
    _Service("prometheus", "monitoring", "prometheus", 9090, "http"),
    _Service("gateway", istio.NAMESPACE, istio.GATEWAY, 80, "http"),
)


def _launch(site: Site) -> Launch:
    site.choose_ports([service.port for service in _SERVICES])
    for service in _SERVICES:
        site.apply(*_objects(site, service))
    bootstrap = site.write("config/door.json", json.dumps(_bootstrap(site), indent=1))
    options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
    return Launch([str(program()), "--config-path", str(bootstrap), *options])


def _objects(site: Site, service: _Service) -> Iterator[dict[str, Any]]:
    metadata = {"name": service.name, "namespace": service.namespace}
    port = {"name": service.scheme, "protocol": "TCP"}
    if service.name != "kubernetes":  # the API server makes that one itself
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": service.namespace}}
        spec = {"ports": [{**port, "port": service.number}]}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": service.name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [network(site).host], "conditions": {"ready": True}}],
        "ports": [{**port, "port": site.port(service.port)}],
    }


def _bootstrap(site: Site) -> dict[str, Any]:
    ports = [service.port for service in _SERVICES]
    return {
        "admin": {"address": _socket("127.0.0.1", site.port(f"{_NAME}-admin"))},
        "static_resources": {
            "listeners": [_listener(name, network(site).host, site.port(name)) for name in ports],
            "clusters": [_cluster(name, site.port(name)) for name in ports],
        },
    }


def _listener(name: str, address: str, port: int) -> dict[str, Any]:
    protocol = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    proxy = {
        "@type": f"type.googleapis.com/{protocol}",
        "stat_prefix": name,
        "cluster": name,
        "idle_timeout": "0s",  # a watch may be silent for as long as it likes
    }
    filters = [{"name": "tcp_proxy", "typed_config": proxy}]
    return {
        "name": name,
        "address": _socket(address, port),
        "filter_chains": [{"filters": filters}],
    }


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _socket("127.0.0.1", port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


DOOR = Part(
    _NAME,
    _launch,
    lambda site: answers(site.port(f"{_NAME}-admin"), "/ready"),
    ports=(f"{_NAME}-admin",),
    needs=("machine", "kube-apiserver"),
)
