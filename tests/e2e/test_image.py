"""What is in our images and what is not, and that they do on the real node what they promise."""

import json
import re
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from hack.cluster import images
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.operator import install
from hack.image import engines, startup
from hack.image.archive import Archive

LIMIT = 250_000_000  # bytes, as a registry stores them
TOOLS = re.compile(
    r"bin/(pip3?|easy_install|uv|gcc|cc|[cg]\+\+|clang|make|ld)(-?\d[\d.]*)?$"
    r"|/(pip|setuptools|wheel|ensurepip)(-[^/]*)?/"
)
OPEN_TO_ALL = {"tmp", "var/tmp", "run/lock"}
HARMLESS = "the sticky bit of a folder in which each removes his own files only"


def say(line: str) -> None:
    print(line)


@pytest.fixture(scope="session")
def able_to_build() -> None:
    if lacks := engines.missing():
        pytest.skip(f"no image can be built here: {'; '.join(lacks)}")


@pytest.fixture(scope="session", params=sorted(images.DOCKERFILES))
def image(able_to_build: None, request: pytest.FixtureRequest) -> Archive:
    return Archive(images.build(request.param, say=say))


@pytest.fixture(scope="session")
def operator(able_to_build: None) -> Path:
    return images.build("operator", say=say)


def test_an_image_is_small(image: Archive) -> None:
    assert image.compressed < LIMIT


def test_there_is_no_package_tool_no_compiler_and_no_test_of_ours(image: Archive) -> None:
    assert [path for path in image.files if TOOLS.search(path)] == []
    assert [path for path in image.files if "/tests/cluster" in path or path == "source"] == []


def test_it_runs_as_a_user_that_exists(image: Archive) -> None:
    user = image.config["config"]["User"].split(":")[0]
    numbers = {line.split(":")[2] for line in image.read("etc/passwd").decode().splitlines()}
    assert user == "65532"
    assert user in numbers


def test_nobody_may_write_where_others_read(image: Archive) -> None:
    writable = {
        path: file.about
        for path, file in image.files.items()
        if file.about.mode & stat.S_IWOTH and not file.about.issym() and not file.about.ischr()
    }
    assert set(writable) <= OPEN_TO_ALL
    assert all(about.mode & stat.S_ISVTX for about in writable.values()), HARMLESS
    ours = [path for path in image.files if path.startswith("opt/")]
    assert {image.files[path].about.uid for path in ours} == {0}


def test_all_of_python_is_compiled_as_the_root_file_system_is_read_only(image: Archive) -> None:
    modules = [path for path in image.files if path.startswith("opt/") and path.endswith(".py")]
    missing = [path for path in modules if _compiled(path) not in image.files]
    assert missing == []


def test_no_secret_of_the_build_and_no_address_of_an_index_is_left(image: Archive) -> None:
    assert "etc/pip.conf" not in image.files or not image.files["etc/pip.conf"].about.size
    assert [path for path in image.files if path.startswith("run/secrets/")] == []
    assert "index-url" not in json.dumps(image.config)


def test_the_operators_labels_and_its_bill_of_materials_tell_what_it_is(operator: Path) -> None:
    archive = Archive(operator)
    labels = archive.config["config"]["Labels"]
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert labels["org.opencontainers.image.version"] == version[1]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    bill = json.loads(archive.read("opt/modelyard/sbom.cdx.json"))
    listed = {each["purl"].split("?")[0] for each in bill["components"]}
    lines = (ROOT / "requirements" / "operator.txt").read_text().splitlines()
    locked = [
        line for line in lines if "==" in line and "python_full_version >= '3.12'" not in line
    ]
    pinned = {re.sub("==([^ ]+).*", r"@\1", line) for line in locked}
    assert {f"pkg:pypi/{each}" for each in pinned} == {
        each for each in listed if each.startswith("pkg:pypi/")
    }
    assert any(each.startswith("pkg:deb/debian/libssl3@") for each in listed)
    assert bill["metadata"]["component"]["name"] == "modelyard"


def test_an_unchanged_checkout_is_built_once(operator: Path) -> None:
    before = operator.stat().st_ino
    said: list[str] = []
    again = images.build("operator", say=said.append)
    assert (again, again.stat().st_ino) == (operator, before)
    assert said == []


def test_the_operator_is_ready_in_a_restricted_pod_with_a_read_only_root(
    able: None, operator: Path, tmp_path: Path
) -> None:
    parts = ("core", "controllers", "scheduler", "node")
    with Cluster(tmp_path / "cluster").up(parts) as own:  # what others install there is not in it
        own.load_image(operator)
        install(own)
        started = startup.start(own, images.reference(operator))
    assert started.cpu > 0
    assert started.memory < 256 * 2**20  # what the chart asks for


def test_a_model_server_is_ready_when_it_says_and_turns_its_knobs(
    node: Cluster, namespace: str, able_to_build: None
) -> None:
    archive = images.build("model-server", say=say)
    node.load_image(archive)
    flags = ("--version=v7", "--model=fraud", "--start-up=15", "--seconds=0.02", "--leave=0")
    node.apply(_model(namespace, images.reference(archive), flags))
    running = "--for=jsonpath={.status.phase}=Running"
    node.kubectl("wait", "pod/model", f"-n={namespace}", running, "--timeout=60s", seconds=70)
    asked = "-o=jsonpath={.status.podIP} {.status.containerStatuses[0].ready}"
    address, ready = node.kubectl("get", "pod", "model", f"-n={namespace}", asked).split()
    assert ready == "false"
    url = f"http://{address}:8080"
    assert answered(f"{url}/healthz").json() == {"version": "v7"}
    assert requests.get(f"{url}/predict", timeout=10).status_code == 503
    node.kubectl("wait", "pod/model", f"-n={namespace}", "--for=condition=Ready", "--timeout=60s")
    good = requests.get(f"{url}/predict", timeout=10)
    assert (good.status_code, good.headers["x-model-version"]) == (200, "v7")
    assert requests.put(f"{url}/knobs", json={"errors": 1}, timeout=10).json()["errors"] == 1
    assert requests.post(f"{url}/predict", timeout=10).status_code == 500
    wrong = requests.put(f"{url}/knobs", json={"errors": 2}, timeout=10)
    assert (wrong.status_code, wrong.json()["error"]) == (
        400,
        "errors is 2.0: give a share from 0 to 1",
    )
    text = requests.get(f"{url}/metrics", timeout=10).text
    assert 'vllm:request_success_total{finished_reason="stop",model_name="fraud"} 1.0' in text
    node.kubectl("delete", "pod", "model", f"-n={namespace}", "--timeout=20s", seconds=30)


def answered(url: str, seconds: float = 60.0) -> requests.Response:
    """The first answer of a server that may not listen yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return requests.get(url, timeout=10)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nobody listens at {url}"
            time.sleep(0.1)


def _model(namespace: str, reference: str, flags: Sequence[str]) -> dict[str, Any]:
    ready = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1}
    container = {
        "name": "model",
        "image": reference,
        "imagePullPolicy": "Never",
        "args": list(flags),
        "readinessProbe": ready,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "model", "namespace": namespace},
        "spec": {"containers": [container]},
    }


def _compiled(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-311.pyc"
