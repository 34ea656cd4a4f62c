"""The cluster's own authority: server and client certificates, and a kubeconfig for each client."""

import base64
import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hack.cluster.folder import write

SERVICES = "10.96.0.0/16"
# file name: (user, group); the roles of the system users are the API server's own.
CLIENTS = {
    "admin": ("admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", "system:masters"),
    "istiod": ("istiod", "system:masters"),
    "kubelet-client": ("kube-apiserver", "system:masters"),
    "front-proxy": ("front-proxy", ""),
    "kubelet": ("system:node:real", "system:nodes"),
    "kube-proxy": ("system:kube-proxy", ""),
    "coredns": ("coredns", "system:masters"),
}
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_ADDRESSES = ("127.0.0.1", "10.96.0.1")


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create(folder: Path) -> None:
    """Writes ``ca``, ``serving``, ``sa`` and one pair for each of CLIENTS, once for each folder.

    The last file written is ``sa.pub``: where it is, all are.
    """
    if (folder / "sa.pub").is_file():
        return
    authority = _issue("modelyard-ca", "", None)
    _save(folder, "ca", authority)
    _save(folder, "serving", _issue("kube-apiserver", "", authority, serving=True))
    for file, (user, group) in CLIENTS.items():
        _save(folder, file, _issue(user, group, authority))
    signing = ec.generate_private_key(ec.SECP256R1())
    write(folder / "sa.key", _private(signing), 0o600)
    public = signing.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write(folder / "sa.pub", public.decode())


def kubeconfig(
    folder: Path, server: str, client: str = "", token: str = "", server_name: str = ""
) -> str:
    """The text of a kubeconfig for one of CLIENTS, or for the bearer of a token.

    ``server_name``: the name to look for in the server's certificate, where it is not ``server``.
    """
    user = (
        {"token": token}
        if token
        else {
            "client-certificate-data": _encoded(folder / f"{client}.crt"),
            "client-key-data": _encoded(folder / f"{client}.key"),
        }
    )
    authority = _encoded(folder / "ca.crt")
    cluster = {"server": server, "certificate-authority-data": authority}
    cluster |= {"tls-server-name": server_name} if server_name else {}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "modelyard", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
            "contexts": [
                {"name": "modelyard", "context": {"cluster": "modelyard", "user": "user"}}
            ],
            "current-context": "modelyard",
        }
    )


def _issue(user: str, group: str, authority: _Pair | None, *, serving: bool = False) -> _Pair:
    """A certificate for a year, signed by the authority, or by itself when there is none yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    name = x509.Name(attributes)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority.certificate.subject if authority else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(_usage(signs=authority is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = builder.add_extension(issuer, critical=False)  # Python 3.13 insists on it
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if serving else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if serving:
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in _NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(each)) for each in _ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _Pair(builder.sign(authority.key if authority else key, hashes.SHA256()), key)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _save(folder: Path, name: str, pair: _Pair) -> None:
    write(folder / f"{name}.key", _private(pair.key), 0o600)
    pem = pair.certificate.public_bytes(serialization.Encoding.PEM)
    write(folder / f"{name}.crt", pem.decode())


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
