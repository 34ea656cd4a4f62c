"""Envoy as the ingress gateway, driven by istiod over xDS."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from hack.cluster import istio
from hack.cluster.binaries import BuildError
from hack.cluster.part import Launch, Part
from hack.cluster.prometheus import write_targets
from hack.cluster.site import Site, answers, listens

# As in Istio's own bootstrap: with Envoy's default tags the dots of a host end up in metric names.
# This Istio ends the name of a cluster in statistics with a semicolon.
_TAGS = [
    {"tag_name": "envoy_cluster_name", "regex": r"^cluster(\.(.+);)"},
    {"tag_name": "envoy_response_code", "regex": r"_rq(_(\d{3}))$"},
    {"tag_name": "envoy_response_code_class", "regex": r"_rq(_(\dxx))$"},
]


def _envoy(site: Site) -> Launch:
    istio.apply_gateway(site)
    bootstrap = site.write("config/envoy.json", json.dumps(_bootstrap(site), indent=1))
    write_targets(site, "envoy", f"127.0.0.1:{site.port('envoy-admin')}", {})
    return Launch(
        [
            str(program()),
            "--config-path",
            str(bootstrap),
            "--disable-hot-restart",
            "--skip-deprecated-logs",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
        ]
    )


def program() -> Path:
    """The program in the wheel; its console script would leave a Python process in between."""
    found = importlib.util.find_spec("envoy")
    path = Path(found.origin).parent / "_bin" / "envoy" if found and found.origin else None
    if path is None or not path.is_file():
        raise BuildError("Envoy is missing: install requirements/demo.txt into this Python")
    return path


def _bootstrap(site: Site) -> dict[str, Any]:
    # The node's address must not be that of a ServiceEntry's endpoint, or istiod takes its labels
    # from there and the Gateway selects nothing.
    identity = f"router~{site.address(254)}~{istio.GATEWAY}.{istio.NAMESPACE}"
    return {
        "node": {
            "id": f"{identity}~{istio.NAMESPACE}.svc.cluster.local",
            "cluster": istio.GATEWAY,
            "metadata": {
                "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0",
                "NAMESPACE": istio.NAMESPACE,
                "LABELS": istio.LABELS,
            },
        },
        "admin": {"address": _socket(site.port("envoy-admin"))},
        # Histograms are merged when they are read, so that they are as fresh as the counters.
        "stats_flush_on_admin": True,
        "stats_config": {"use_all_default_tags": False, "stats_tags": _TAGS},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}],
            },
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
        },
        "static_resources": {"clusters": [_istiod(site)]},
    }


def _istiod(site: Site) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _socket(site.port("istiod-xds"))}}
    protocol = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": "istiod",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            protocol: {
                "@type": f"type.googleapis.com/{protocol}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "istiod",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _socket(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


ENVOY = Part(
    "envoy",
    _envoy,
    lambda site: answers(site.port("envoy-admin"), "/ready") and listens(site.port("gateway")),
    ports=("envoy-admin", "gateway"),
    needs=("istiod",),
)
