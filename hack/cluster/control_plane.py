"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""

from pathlib import Path

from hack.cluster import certificates
from hack.cluster.folder import write
from hack.cluster.part import Launch, Part
from hack.cluster.site import Site, answers, binary

# Tests read the audit log as an oracle: who asked for what, and the body of each write that counts.
_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Metadata
  resources: [{group: coordination.k8s.io}]
- level: RequestResponse
  verbs: [create, update, patch, delete, deletecollection]
  resources: [{group: modelyard.dev}, {group: networking.istio.io}, {group: apps}]
- level: Metadata
"""


def _etcd(site: Site) -> Launch:
    client = f"http://127.0.0.1:{site.port('etcd')}"
    peer = f"http://127.0.0.1:{site.port('etcd-peer')}"
    return Launch(
        [
            str(binary("etcd")),
            f"--data-dir={site.folder}/data/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # a machine that loses power loses this cluster, and nothing else
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ]
    )


def _apiserver(site: Site) -> Launch:
    pki, port = site.folder / "pki", site.port("kube-apiserver")
    certificates.create(pki)
    for client in certificates.CLIENTS:
        server = f"https://127.0.0.1:{port}"
        write(site.kubeconfig(client), certificates.kubeconfig(pki, server, client), 0o600)
    policy = site.write("config/audit-policy.yaml", _AUDIT_POLICY)
    return Launch(
        [
            str(binary("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{site.port('etcd')}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            f"--service-cluster-ip-range={certificates.SERVICES}",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            f"--client-ca-file={pki}/ca.crt",
            *_serving(pki),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            *_front_proxy(pki),
            f"--audit-policy-file={policy}",
            f"--audit-log-path={site.folder}/log/audit.log",
            "--audit-log-maxsize=4096",
            "--shutdown-delay-duration=0s",
            "--profiling=false",
        ]
    )


def _serving(pki: Path) -> list[str]:
    return [f"--tls-cert-file={pki}/serving.crt", f"--tls-private-key-file={pki}/serving.key"]


def _front_proxy(pki: Path) -> list[str]:
    """What an extension API server needs; the allowed name, as clients have the same CA."""
    return [
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
    ]


def _controllers(site: Site) -> Launch:
    pki = site.folder / "pki"
    return Launch(
        [
            *_client_of(site, "kube-controller-manager"),
            f"--service-account-private-key-file={pki}/sa.key",
            "--use-service-account-credentials",
            f"--root-ca-file={pki}/ca.crt",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
        ]
    )


def _scheduler(site: Site) -> Launch:
    return Launch(_client_of(site, "kube-scheduler"))


def _client_of(site: Site, name: str) -> list[str]:
    kubeconfig = site.kubeconfig(name)
    return [
        str(binary(name)),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={site.port(name)}",
        *_serving(site.folder / "pki"),
        "--leader-elect=false",
        "--profiling=false",
    ]


def _answers_securely(site: Site, name: str, path: str) -> bool:
    return answers(site.port(name), path, site.folder / "pki" / "ca.crt")


ETCD = Part(
    "etcd",
    _etcd,
    lambda site: answers(site.port("etcd"), "/health"),
    ports=("etcd", "etcd-peer"),
    binaries=("etcd",),
)
APISERVER = Part(
    "kube-apiserver",
    _apiserver,
    lambda site: _answers_securely(site, "kube-apiserver", "/readyz"),
    ports=("kube-apiserver",),
    needs=("etcd",),
    binaries=("kube-apiserver", "kubectl"),
)
CONTROLLERS = Part(
    "kube-controller-manager",
    _controllers,
    lambda site: _answers_securely(site, "kube-controller-manager", "/healthz"),
    ports=("kube-controller-manager",),
    needs=("kube-apiserver",),
    binaries=("kube-controller-manager",),
)
SCHEDULER = Part(
    "kube-scheduler",
    _scheduler,
    lambda site: _answers_securely(site, "kube-scheduler", "/readyz"),
    ports=("kube-scheduler",),
    needs=("kube-apiserver",),
    binaries=("kube-scheduler",),
)
