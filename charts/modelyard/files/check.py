# ruff: noqa: S310, TID251 - both addresses are the cluster's own, and this is no part of the operator
"""What ``helm test`` runs: is the operator ready, and does the API server take our examples."""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = 10.0


def ready() -> None:
    """Prints what /readyz says; HTTPError where that is no."""
    with urllib.request.urlopen(os.environ["READYZ"], timeout=SECONDS) as answer:
        print("ready:", answer.read().decode().strip())


def tried(plural: str, example: dict[str, object]) -> None:
    """Has the API server check an object without keeping it; HTTPError where it refuses."""
    host, port = (os.environ[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
    host = f"[{host}]" if ":" in host else host
    path = f"apis/{example['apiVersion']}/namespaces/{os.environ['NAMESPACE']}/{plural}"
    request = urllib.request.Request(
        f"https://{host}:{port}/{path}?dryRun=All&fieldValidation=Strict",
        json.dumps({**example, "metadata": {"generateName": "check-"}}).encode(),
        {
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/json",
        },
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=SECONDS, context=trust):
        print(f"accepted: {example['kind']}")


def main() -> int:
    """1, and what was said, where something is not well."""
    try:
        ready()
        for kind in json.loads(os.environ["KINDS"]).values():
            tried(kind["plural"], kind["example"])
    except urllib.error.HTTPError as error:
        print(f"{error.url}: {error.code}: {error.read().decode()}")
        return 1
    except OSError as error:
        print(f"no answer: {error}")
        return 1
    return 0


sys.exit(main())
