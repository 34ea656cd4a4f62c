"""What may be chosen: each value is told of and checked, and a wrong one is named in one line."""

import json
import re
from typing import Any

import pytest
import yaml

from hack.charts.helm import OPERATOR, HelmError, template
from hack.generate.chart import commented
from operators.kinds import KINDS
from tests.charts.renderings import SETS, of, one_of, operator, rendered

TEXT = (OPERATOR / "values.yaml").read_text()
SCHEMA: dict[str, Any] = json.loads((OPERATOR / "values.schema.json").read_text())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("replicsa=3", "additional properties 'replicsa' not allowed"),
        ("prometheus.ulr=http://p", "'/prometheus': additional properties 'ulr' not allowed"),
        ("replicas=two", "'/replicas': got string, want integer"),
        ("replicas=100", "'/replicas': maximum: got 100, want 9"),
        ("clusterWide=true,namespaces={ml}", "'/clusterWide': value must be false"),
        ("clusterWide=false", "'/namespaces': minItems: got 0, want 1"),
        ("clusterWide=false,namespaces={a,b}", "'/namespaces': maxItems: got 2, want 1"),
        ("clusterWide=false,namespaces={ML}", "'/namespaces/0': 'ML' does not match pattern"),
        ("kinds={ModelCannery}", "'/kinds/0': value must be one of 'InferenceAutoscaler'"),
        ("scaleTargets={pods}", "'/scaleTargets/0': 'pods' does not match pattern"),
        ("prometheus.url=prometheus:9090", "'/prometheus/url': 'prometheus:9090' does not match"),
        ("prometheus.caSecret.name=ca", "'/prometheus/url': minLength: got 0, want 1"),
        ("image.tag=1", "'/image/tag': got number, want string"),
        ("image.digest=latest", "'/image/digest': 'latest' does not match pattern"),
        ("logFormat=xml", "'/logFormat': value must be one of 'json', 'text'"),
        ("leave.seconds=5", "'/leave/seconds': minimum: got 5, want 30"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(flags: str, said: str) -> None:
    with pytest.raises(HelmError) as refused:
        template(OPERATOR, f"--set={flags}")
    lines = [line for line in str(refused.value).splitlines() if "- at " in line]
    assert any(said in line for line in lines), refused.value


def test_values_of_a_chart_around_it_are_let_be() -> None:
    assert template(OPERATOR, "--set=global.team=ml")


def test_every_value_has_a_comment() -> None:
    told = {name for name, _, _ in commented(TEXT)}

    def below(path: str, value: Any) -> set[str]:
        if path in told or not isinstance(value, dict) or not value:
            return {path}
        return {leaf for key, part in value.items() for leaf in below(f"{path}.{key}", part)}

    values = yaml.safe_load(TEXT)
    assert {leaf for key, part in values.items() for leaf in below(key, part)} == told


def test_comments_are_read_with_their_values() -> None:
    text = "# Once\n# more.\na: 1\nb:\n  # Deep.\n  c: {d: x}\n  e: 2\n# Last.\nf: []\n"
    assert list(commented(text)) == [
        ("a", 1, "Once more."), ("b.c", {"d": "x"}, "Deep."), ("f", [], "Last."),
    ]  # fmt: skip


def test_the_schema_knows_each_value_and_each_kind_and_no_other() -> None:
    def names(schema: dict[str, Any]) -> dict[str, Any]:
        if ref := schema.get("$ref"):
            return names(SCHEMA["definitions"][ref.rpartition("/")[2]])
        inner = schema.get("properties", {})
        return {key: names(part) for key, part in inner.items() if key != "global"}

    def keys(value: Any, known: dict[str, Any]) -> dict[str, Any]:
        free = not known or not isinstance(value, dict)
        return {} if free else {key: keys(part, known.get(key, {})) for key, part in value.items()}

    known = names(SCHEMA)
    assert keys(yaml.safe_load(TEXT), known) == known
    kinds = SCHEMA["properties"]["kinds"]["items"]["enum"]
    assert kinds == sorted(kind.api.kind for kind in KINDS)


def test_a_secret_is_mounted_and_never_read_by_name() -> None:
    objects = rendered(*SETS["everything"])
    spec = one_of(objects, "Deployment")["spec"]["template"]["spec"]
    (volume,) = [one for one in spec["volumes"] if one["name"] == "prometheus"]
    mounted = {
        (one["secret"]["name"], item["key"], item["path"])
        for one in volume["projected"]["sources"]
        for item in one["secret"]["items"]
    }
    assert mounted == {
        ("prometheus-token", "bearer", "token"), ("prometheus-ca", "ca.crt", "ca.crt"),
    }  # fmt: skip
    args = operator(objects)["args"]
    for flag, file in (("token", "token"), ("ca", "ca.crt")):
        assert f"--prometheus-{flag}-file=/etc/modelyard/prometheus/{file}" in args


def test_one_replica_has_no_budget_that_would_block_a_drain() -> None:
    assert of(rendered(), "PodDisruptionBudget")
    assert not of(rendered("--set=replicas=1"), "PodDisruptionBudget")


def test_whoever_serves_the_same_objects_takes_the_same_lease() -> None:
    def lease(*flags: str) -> str:
        args: list[str] = operator(rendered(*flags))["args"]
        return next(arg for arg in args if "--lease-name=" in arg)

    other = ("--set=fullnameOverride=other",)
    assert lease() == lease(*other) == "--lease-name=modelyard"
    assert lease(*SETS["namespaced"]) == "--lease-name=modelyard-ml"


def test_every_object_has_the_labels_and_annotations_that_are_asked_for() -> None:
    for one in rendered(*SETS["everything"]):
        assert one["metadata"]["labels"]["team"] == "ml"
        assert one["metadata"]["annotations"]["example.org/owner"] == "ml@example.org"


def test_labels_of_the_user_never_replace_those_that_select() -> None:
    flags = ("--set=podLabels.app\\.kubernetes\\.io/name=mine",)
    deployment = one_of(rendered(*flags), "Deployment")["spec"]
    selected = deployment["selector"]["matchLabels"].items()
    assert selected <= deployment["template"]["metadata"]["labels"].items()


def test_names_stay_within_what_a_label_may_hold() -> None:
    for one in rendered("--set=fullnameOverride=" + "a" * 63, "--set=leave.enabled=true"):
        assert re.fullmatch(r"[a-z0-9-]{1,63}", one["metadata"]["name"])
