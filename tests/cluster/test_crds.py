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

pytestmark = pytest.mark.cluster

ABSENT = object()
EXAMPLES = [(crd, name) for crd in KINDS for name in crd.examples]
OTHER_ARM = {**MODELCANARY.examples["full"]["arms"][0], "name": "green"}
COUNTED = [{"name": f"e{n}", "type": "ErrorRate"} for n in range(5)]
THRESHOLD = {"name": "t", "type": "Threshold", "query": "up", "max": "1"}

# One bad object for each CEL rule: the message that the user reads, and what was changed in the
# full example. Guardrail 0 there is an ErrorRate, 1 a Latency, 2 a Threshold.
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("metadata.name must be at most 63 characters", {"metadata.name": "a" * 64}),
    ("spec.arms: the two arms must have different names", {"spec.arms.1.name": "blue"}),
    ("spec.arms: the two arms must be different destinations", {"spec.arms.1": OTHER_ARM}),
    ("spec.release.arm must be the name of one of spec.arms", {"spec.release.arm": "red"}),
    ("spec.steps: each weight must be above the one before it", {"spec.steps.1.weight": 5}),
    ("spec.guardrails: at least one must be of type", {"spec.guardrails": [THRESHOLD]}),
    ("spec.guardrails: at most 3 may be of type ErrorRate or", {"spec.guardrails": COUNTED}),
    ("spec.guardrails: a Latency guardrail needs edge", {"spec.guardrails.1.edge": ABSENT}),
    ("spec.guardrails: a Threshold guardrail needs query and", {"spec.guardrails.2.min": ABSENT}),
    ("spec.guardrails: query, min and max belong to a", {"spec.guardrails.0.max": "1"}),
    ("spec.guardrails: tolerance is a ratio from 1 to 10", {"spec.guardrails.0.tolerance": "0.9"}),
    ("spec.guardrails: margin must be above tolerance", {"spec.guardrails.0.margin": "1.1"}),
    ("spec.guardrails: margin is a ratio of at most 20", {"spec.guardrails.0.margin": "20.1"}),
    ("spec.guardrails: floor is a share from 0 to 0.5", {"spec.guardrails.0.floor": "0.6"}),
    ("spec.guardrails: min must not be above max", {"spec.guardrails.2.max": "0.9"}),
    ("spec.errorBudget.alpha is a probability above 0", {"spec.errorBudget.alpha": "0"}),
    ("spec.errorBudget.beta is a probability above 0", {"spec.errorBudget.beta": "0.21"}),
    ("spec.analysis.scrapeInterval must be at least", {"spec.analysis.scrapeInterval": "0s"}),
    (
        "spec.analysis.interval must not be shorter than spec.analysis.scrapeInterval",
        {"spec.analysis.interval": "14s"},
    ),
    ("spec.analysis.interval must be at most 10m", {"spec.analysis.interval": "601s"}),
]
# The same for rules about a change of an object that exists.
UNCHANGEABLE: list[tuple[str, dict[str, Any]]] = [
    (
        "spec.arms: the names of the arms are immutable: create a new ModelCanary instead",
        {"spec.arms.0.name": "red"},
    ),
    (
        "spec.arms: the destination of an arm is immutable: create a new ModelCanary instead",
        {"spec.arms.0.port": 8081},
    ),
    (
        "spec.arms: the destination of an arm is immutable: create a new ModelCanary instead",
        {"spec.arms.0.subset": ABSENT},
    ),
    (
        "spec.routeRef is immutable: create a new ModelCanary instead",
        {"spec.routeRef.routes": ["primary"]},
    ),
]
# What types and bounds refuse: the field that the message names, and what was written there.
OUT_OF_BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("spec.steps", {"spec.steps": []}),
    ("spec.steps[0].weight", {"spec.steps.0.weight": 0}),
    ("spec.steps[2].weight", {"spec.steps.2.weight": 100}),
    ("spec.steps[0].weight", {"spec.steps.0.weight": "5"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "soon"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "1.5h"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": "-5m"}),
    ("spec.steps[0].minDuration", {"spec.steps.0.minDuration": 90}),
    ("spec.analysis.interval", {"spec.analysis.interval": "15500ms"}),
    ("spec.deadline", {"spec.deadline": ""}),
    ("spec.arms", {"spec.arms.1": ABSENT}),
    ("spec.arms[0].host", {"spec.arms.0.host": ABSENT}),
    ("spec.arms[0].host", {"spec.arms.0.host": "h" * 254}),
    ("spec.arms[0].name", {"spec.arms.0.name": "Blue"}),
    ("spec.arms[0].name", {"spec.arms.0.name": "a" * 64}),
    ("spec.arms[0].port", {"spec.arms.0.port": 65536}),
    ("spec.release", {"spec.release": ABSENT}),
    ("spec.release.version", {"spec.release.version": "v 8"}),
    ("spec.routeRef.routes[1]", {"spec.routeRef.routes": ["primary", "primary"]}),
    ("spec.guardrails", {"spec.guardrails": []}),
    ("spec.guardrails[1]", {"spec.guardrails.1.name": "errors"}),
    ("spec.guardrails[0].type", {"spec.guardrails.0.type": "Errors"}),
    ("spec.guardrails[0].margin", {"spec.guardrails.0.margin": "150%"}),
    ("spec.guardrails[0].margin", {"spec.guardrails.0.margin": 1.5}),
    ("spec.guardrails[2].query", {"spec.guardrails.2.query": "q" * 2049}),
    ("spec.errorBudget.alpha", {"spec.errorBudget.alpha": "1e-2"}),
    ("spec.onInconclusive", {"spec.onInconclusive": "rollback"}),
    ("spec.noData.minCandidateRequests", {"spec.noData.minCandidateRequests": -1}),
]
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("spec.colour", {"spec.colour": "blue"}),
    ("spec.steps[0].pause.until", {"spec.steps.0.pause": {"until": "noon"}}),
    ("spec.guardrails[0].tolerence", {"spec.guardrails.0.tolerence": "1.1"}),
]


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Cluster:
    """The shared cluster with every CRD of the checkout, as a user applies them."""
    cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    names = [f"crd/{file_name(crd).removesuffix('.yaml')}" for crd in KINDS]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    return cluster


def test_every_rule_has_a_bad_object_here() -> None:
    told = [message for message, _ in (*REFUSED, *UNCHANGEABLE)]
    rules = [rule["message"] for crd in KINDS for rule in validations(schema(crd))]
    assert [rule for rule in rules if not any(rule.startswith(message) for message in told)] == []
    assert [text for text in told if not any(rule.startswith(text) for rule in rules)] == []


@pytest.mark.parametrize(("message", "changes"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_rule_refuses_with_its_message(
    server: Cluster, message: str, changes: Mapping[str, Any]
) -> None:
    assert message in _refusal(server, _changed(changes))


@pytest.mark.parametrize(
    ("message", "changes"), UNCHANGEABLE, ids=[next(iter(row[1])) for row in UNCHANGEABLE]
)
def test_what_is_immutable_stays(
    server: Cluster, namespace: str, message: str, changes: Mapping[str, Any]
) -> None:
    _create(server, namespace, _changed({}))
    with pytest.raises(CommandError) as refused:
        server.kubectl("replace", f"-n={namespace}", "-f-", data=yaml.safe_dump(_changed(changes)))
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
    ("field", "changes"),
    OUT_OF_BOUNDS,
    ids=[f"{row[0]}-{n}" for n, row in enumerate(OUT_OF_BOUNDS)],
)
def test_a_value_out_of_bounds_is_refused_by_its_field(
    server: Cluster, field: str, changes: Mapping[str, Any]
) -> None:
    said = _refusal(server, _changed(changes))
    assert re.search(rf"(\* |invalid: ){re.escape(field)}: ", said), said


@pytest.mark.parametrize(("field", "changes"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_a_field_that_does_not_exist_is_refused_to_kubectl(
    server: Cluster, field: str, changes: Mapping[str, Any]
) -> None:
    assert f'unknown field "{field}"' in _refusal(server, _changed(changes))


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


def test_a_full_status_is_kept_as_it_was_written(server: Cluster, namespace: str) -> None:
    _create(server, namespace, _changed({}))
    status = ModelCanaryStatus.model_validate(_sample(schema(MODELCANARY)["properties"]["status"]))
    server.kubectl(
        *("patch", "modelcanary", "fraud", f"-n={namespace}", "--type=merge"),
        *("--subresource=status", "-p", json.dumps({"status": status.wire()})),
    )
    assert _get(server, namespace, MODELCANARY, "fraud")["status"] == status.wire()


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


def _changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The full ModelCanary with values set, or taken out, at dotted paths."""
    whole = manifest(MODELCANARY, "fraud", copy.deepcopy(MODELCANARY.examples["full"]))
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
