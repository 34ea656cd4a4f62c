"""Prometheus, and the files that tell it what to scrape."""

import json
import signal
from collections.abc import Mapping

from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary

_CONFIG = r"""# Targets come and go as files in targets/, one for each; Prometheus watches them.
global:
  scrape_interval: {interval}
  scrape_timeout: {timeout}
scrape_configs:
- job_name: prometheus
  static_configs:
  - targets: ["127.0.0.1:{port}"]

# Envoy's own counters; only what concerns the routed services. As in Istio's proxies the counts by
# code (envoy_response_code) and by class of codes (envoy_response_code_class) share one name, so a
# sum over envoy_cluster_upstream_rq is to name the label it means, or it counts each answer twice.
- job_name: envoy
  metrics_path: /stats/prometheus
  params: {{filter: ["^cluster\\.outbound.*\\.upstream_(rq|cx)_"]}}
  file_sd_configs: [files: ["{folder}/targets/envoy.json"]]
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: envoy_cluster_upstream_(cx_active|rq|rq_(total|completed|(pending_)?active|time_.+))
    action: keep

# The same counters under the names of Istio's standard metrics. An Istio proxy exports these by an
# extension of its own, which Envoy from PyPI does not hold: they are RELABELLED here, so that what
# reads Istio's names can be shown on real traffic. Where they differ from Istio's: durations have
# no response_code (Envoy counts them for a whole cluster), and a subset is given as the version.
- job_name: istio
  metrics_path: /stats/prometheus
  params: {{filter: ["^cluster\\.outbound.*\\.upstream_rq_(time|\\d\\d\\d)$"]}}
  file_sd_configs: [files: ["{folder}/targets/envoy.json"]]
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: envoy_cluster_upstream_rq(_time_(bucket|sum|count))?
    action: keep
  - source_labels: [__name__]
    regex: envoy_cluster_upstream_rq
    target_label: __name__
    replacement: istio_requests_total
  - source_labels: [__name__]
    regex: envoy_cluster_upstream_rq_time_(bucket|sum|count)
    target_label: __name__
    replacement: istio_request_duration_milliseconds_$1
  - source_labels: [envoy_response_code]
    target_label: response_code
  - source_labels: [envoy_cluster_name]
    regex: outbound\|\d+\|([^|]*)\|(.+)
    target_label: destination_version
    replacement: $1
  - source_labels: [envoy_cluster_name]
    regex: outbound\|\d+\|[^|]*\|(.+)
    target_label: destination_service
    replacement: $1
  - source_labels: [destination_service]
    target_label: destination_service_name
  - source_labels: [destination_service]
    regex: ([^.]+)\.[^.]+\.svc\.cluster\.local
    target_label: destination_service_name
    replacement: $1
  - target_label: reporter
    replacement: source
  - target_label: request_protocol
    replacement: http
  - regex: envoy_.+
    action: labeldrop

- job_name: models
  file_sd_configs: [files: ["{folder}/targets/model-*.json"]]

- job_name: operator
  file_sd_configs: [files: ["{folder}/targets/operator-*.json"]]
"""

_PODS = r"""
# The pods of the real node that ask for it by the usual annotations.
- job_name: pods
  kubernetes_sd_configs:
  - role: pod
    kubeconfig_file: "{folder}/kubeconfig/admin.yaml"
    selectors: [{{role: pod, field: "spec.nodeName=real"}}]
  relabel_configs:
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]
    regex: "true"
    action: keep
  - source_labels: [__meta_kubernetes_pod_phase]
    regex: Succeeded|Failed
    action: drop
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
    regex: (.+)
    target_label: __metrics_path__
  - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port]
    regex: (.+);(\d+)
    target_label: __address__
    replacement: $1:$2
  - source_labels: [__meta_kubernetes_namespace]
    target_label: namespace
  - source_labels: [__meta_kubernetes_pod_name]
    target_label: pod
  - source_labels: [__meta_kubernetes_pod_label_app]
    target_label: app
"""


def write_targets(site: Site, name: str, address: str, labels: Mapping[str, str]) -> None:
    """Has Prometheus scrape an address: ``envoy``, ``model-...`` or ``operator-...``."""
    site.write(f"targets/{name}.json", json.dumps([{"targets": [address], "labels": dict(labels)}]))


def remove_targets(site: Site, name: str) -> None:
    (site.folder / "targets" / f"{name}.json").unlink(missing_ok=True)


def _write_config(site: Site) -> str:
    """Writes the config for the state's scrape interval and parts, and returns its path."""
    interval = float(site.state["scrape_seconds"])
    jobs = _CONFIG + (_PODS if "kubelet" in site.state["parts"] else "")
    text = jobs.format(
        interval=f"{round(interval * 1000)}ms",
        timeout=f"{round(min(interval, 10.0) * 1000)}ms",
        port=site.port("prometheus"),
        folder=site.folder,
    )
    (site.folder / "targets").mkdir(exist_ok=True)
    return str(site.write("config/prometheus.yml", text))


def reload_config(site: Site) -> None:
    """Writes the config for the state's scrape interval and parts; who runs reads it anew."""
    process = site.process("prometheus")
    if process.pid() is not None:
        _write_config(site)
        process.send(signal.SIGHUP)


def _prometheus(site: Site) -> Launch:
    return Launch(
        [
            str(binary("prometheus")),
            f"--config.file={_write_config(site)}",
            f"--storage.tsdb.path={site.folder}/data/prometheus",
            "--storage.tsdb.retention.time=30d",
            # A minute by default: blocks put there by hand (backfill) are to be seen soon.
            "--storage.tsdb.block-reload-interval=1s",
            # 5 s by default: as quick as the scrapes.
            "--scrape.discovery-reload-interval=1s",
            f"--web.listen-address=127.0.0.1:{site.port('prometheus')}",
            "--web.enable-lifecycle",
            "--log.level=warn",
        ]
    )


PROMETHEUS = Part(
    "prometheus",
    _prometheus,
    lambda site: answers(site.port("prometheus"), "/-/ready"),
    ports=("prometheus",),
    binaries=("prometheus", "promtool"),
)
