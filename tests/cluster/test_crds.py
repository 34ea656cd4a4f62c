"""The CRDs on a real API server: what is accepted, what is refused, and what kubectl shows."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from controllers.api import KINDS
from controllers.api.base import Crd
from controllers.api.modelcanary import MODELCANARY
from controllers.api.modelcanary.status import ModelCanaryStatus
from hack.cluster.cluster import Cluster
from hack.cluster.site import CommandError
from hack.generate.crd import file_name, schema
from hack.generate.files import ROOT
from hack.generate.reference import manifest, validations
from tests.cluster.refused import BY_KIND
from tests.cluster.refused.absent import ABSENT

pytestmark = pytest.mark.cluster

EXAMPLES = [(crd, name) for crd in KINDS for name in crd.examples]
REFUSED = [(crd, *row) for crd in KINDS for row in BY_KIND[crd.kind].REFUSED]
UNCHANGEABLE = [(crd, *row) for crd in KINDS for row in BY_KIND[crd.kind].UNCHANGEABLE]
OUT_OF_BOUNDS = [(crd, *row) for crd in KINDS for row in BY_KIND[crd.kind].OUT_OF_BOUNDS]
UNKNOWN = [(crd, *row) for crd in KINDS for row in BY_KIND[crd.kind].UNKNOWN]


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Cluster:
    """The shared cluster with every CRD of the checkout, as a user applies them."""
    cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    names = [f"crd/{file_name(crd).removesuffix('.yaml')}" for crd in KINDS]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    return cluster


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_every_rule_has_a_bad_object(crd: Crd) -> None:
    bad = BY_KIND[crd.kind]
    told = [message for message, _ in (*bad.REFUSED, *bad.UNCHANGEABLE)]
    rules = [rule["message"] for rule in validations(schema(crd))]
    assert [rule for rule in rules if not any(rule.startswith(message) for message in told)] == []
    assert [text for text in told if not any(rule.startswith(text) for rule in rules)] == []


@pytest.mark.parametrize(
    ("crd", "message", "changes"), REFUSED, ids=[f"{row[0].kind}-{row[1]}" for row in REFUSED]
)
def test_a_rule_refuses_with_its_message(
    server: Cluster, crd: Crd, message: str, changes: Mapping[str, Any]
) -> None:
    assert message in _refusal(server, _changed(changes, crd))


@pytest.mark.parametrize(
    ("crd", "message", "changes"), UNCHANGEABLE, ids=[next(iter(row[2])) for row in UNCHANGEABLE]
)
def test_what_is_immutable_stays(
    server: Cluster, namespace: str, crd: Crd, message: str, changes: Mapping[str, Any]
) -> None:
    _create(server, namespace, _changed({}, crd))
    with pytest.raises(CommandError) as refused:
        server.kubectl(
            "replace", f"-n={namespace}", "-f-", data=yaml.safe_dump(_changed(changes, crd))
        )
    assert message in str(refused.value)


def test_all_else_may_change(server: Cluster, namespace: str) -> None:
    _create(server, namespace, _changed({}))
    changes = {
        "spec.release": {"arm": "blue", "version": "9"},
        "spec.arms.0.deployment": ABSENT,
        "spec.steps": [{"weight": 1}, {"weight": 99}],
        "spec.guardrails": [{"name": "latency", "type": "Latency", "edge": "1s"}],
        "spec.suspend": True,
    }
    server.kubectl("replace", f"-n={namespace}", "-f-", data=yaml.safe_dump(_changed(changes)))


@pytest.mark.parametrize(
    ("crd", "field", "changes"),
    OUT_OF_BOUNDS,
    ids=[f"{row[0].kind}-{row[1]}-{n}" for n, row in enumerate(OUT_OF_BOUNDS)],
)
def test_a_value_out_of_bounds_is_refused_by_its_field(
    server: Cluster, crd: Crd, field: str, changes: Mapping[str, Any]
) -> None:
    said = _refusal(server, _changed(changes, crd))
    assert re.search(rf"(\* |invalid: ){re.escape(field)}: ", said), said


@pytest.mark.parametrize(
    ("crd", "field", "changes"), UNKNOWN, ids=[f"{row[0].kind}-{row[1]}" for row in UNKNOWN]
)
def test_a_field_that_does_not_exist_is_refused_to_kubectl(
    server: Cluster, crd: Crd, field: str, changes: Mapping[str, Any]
) -> None:
    assert f'unknown field "{field}"' in _refusal(server, _changed(changes, crd))


@pytest.mark.parametrize(("crd", "name"), EXAMPLES, ids=lambda part: getattr(part, "kind", part))
def test_an_example_is_accepted_and_defaulted_as_the_operator_reads_it(
    server: Cluster, namespace: str, crd: Crd, name: str
) -> None:
    _create(server, namespace, manifest(crd, name, crd.examples[name]))
    kept = _get(server, namespace, crd, name)["spec"]
    spec = crd.spec.model_validate(crd.examples[name])
    assert crd.spec.model_validate(kept) == spec
    assert kept == spec.wire(), "the server's defaults are not the model's"


def test_a_name_of_63_characters_is_accepted(server: Cluster) -> None:
    _create(server, "default", _changed({"metadata.name": "a" * 63}), "--dry-run=server")


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_explain_tells_the_meaning_of_every_field(server: Cluster, crd: Crd) -> None:
    told = " ".join(server.kubectl("explain", "--recursive=false", f"{crd.plural}.spec").split())
    for name, part in schema(crd)["properties"]["spec"]["properties"].items():
        assert f"{name} <" in told
        assert " ".join(part["description"].split()[:6]) in told


def test_kubectl_get_answers_how_far_is_it_good_and_when_do_i_know(
    server: Cluster, namespace: str
) -> None:
    _create(server, namespace, _changed({}))
    patch = {
        "status": ModelCanaryStatus.model_validate(
            {
                "phase": "Progressing",
                "stable": {"arm": "blue", "version": "7"},
                "weights": {"arm": "green", "desired": 25, "applied": 25},
                "verdict": "Inconclusive",
                "eta": "18m",
                "reason": "AwaitingEvidence",
                "at": "3/2",
                "message": "errors: 0.61 % against 0.50 %",
            }
        ).wire()
    }
    server.kubectl(
        *("patch", "modelcanary", "fraud", f"-n={namespace}", "--type=merge"),
        *("--subresource=status", "-p", json.dumps(patch)),
    )
    short = _lines(server.kubectl("get", "modelcanaries", f"-n={namespace}"))
    assert short[0] == (
        *("NAME", "PHASE", "STABLE", "RELEASE", "VERSION", "WEIGHT", "VERDICT", "ETA"),
        *("REASON", "AGE"),
    )
    assert short[1][:-1] == (
        *("fraud", "Progressing", "blue", "green", "2026-11-24.1", "25", "Inconclusive", "18m"),
        "AwaitingEvidence",
    )
    wide = _lines(server.kubectl("get", "mc", "-owide", f"-n={namespace}"))
    assert wide[0][-2:] == ("AT", "MESSAGE")
    assert wide[1][-2:] == ("3/2", "errors: 0.61 % against 0.50 %")
    assert "fraud" in server.kubectl("get", "modelyard", f"-n={namespace}")


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_a_full_status_is_kept_as_it_was_written(server: Cluster, namespace: str, crd: Crd) -> None:
    _create(server, namespace, _changed({}, crd))
    status = crd.status.model_validate(_sample(schema(crd)["properties"]["status"]))
    server.kubectl(
        *("patch", crd.singular, "fraud", f"-n={namespace}", "--type=merge"),
        *("--subresource=status", "-p", json.dumps({"status": status.wire()})),
    )
    assert _get(server, namespace, crd, "fraud")["status"] == status.wire()


def test_a_spec_write_leaves_the_status_alone(server: Cluster, namespace: str) -> None:
    _create(server, namespace, {**_changed({}), "status": {"phase": "Promoted"}})
    assert "status" not in _get(server, namespace, MODELCANARY, "fraud")


@pytest.mark.parametrize("crd", KINDS, ids=lambda crd: crd.kind)
def test_the_server_keeps_the_crd_as_it_was_generated(server: Cluster, crd: Crd) -> None:
    name = file_name(crd).removesuffix(".yaml")
    kept = json.loads(server.kubectl("get", "crd", name, "-ojson"))
    states = {one["type"]: one["status"] for one in kept["status"]["conditions"]}
    assert states.get("NonStructuralSchema", "False") == "False"
    file = yaml.safe_load((ROOT / "crds" / file_name(crd)).read_text())["spec"]
    assert kept["spec"]["versions"] == file["versions"]
    assert kept["spec"]["names"] == file["names"]


def _changed(changes: Mapping[str, Any], crd: Crd = MODELCANARY) -> dict[str, Any]:
    """The full example of a kind with values set, or taken out, at dotted paths."""
    whole = manifest(crd, "fraud", copy.deepcopy(crd.examples["full"]))
    for path, value in changes.items():
        *above, last = (int(step) if step.isdigit() else step for step in path.split("."))
        node: Any = whole
        for step in above:
            node = node[step]
        if value is ABSENT:
            del node[last]
        else:
            node[last] = value
    return whole


def _create(server: Cluster, namespace: str, what: Mapping[str, Any], *flags: str) -> None:
    server.kubectl("create", f"-n={namespace}", *flags, "-f-", data=yaml.safe_dump(dict(what)))


def _refusal(server: Cluster, what: Mapping[str, Any]) -> str:
    with pytest.raises(CommandError) as refused:
        _create(server, "default", what, "--dry-run=server")
    return str(refused.value)


def _get(server: Cluster, namespace: str, crd: Crd, name: str) -> dict[str, Any]:
    said = server.kubectl("get", crd.plural, name, f"-n={namespace}", "-ojson")
    found: dict[str, Any] = json.loads(said)
    return found


def _lines(table: str) -> list[tuple[str, ...]]:
    return [tuple(re.split(r"\s{2,}", line.strip())) for line in table.splitlines()]


def _sample(node: Mapping[str, Any]) -> Any:
    """A value with every field of a schema in it."""
    if "enum" in node:
        return node["enum"][0]
    match node["type"]:
        case "object" if "additionalProperties" in node:
            return {"key": _sample(node["additionalProperties"])}
        case "object":
            return {name: _sample(part) for name, part in node.get("properties", {}).items()}
        case "array":
            return [_sample(node["items"])]
        case "integer":
            return node.get("maximum", 7)
        case "boolean":
            return True
    if "pattern" in node:
        return "90s" if "(h|m|s" in node["pattern"] else "0.25"
    return "2026-11-24T21:40:00Z"
