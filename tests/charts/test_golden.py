"""What Helm makes of the chart is what was reviewed, and everything comes from one source."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.api import KINDS
from hack.charts import install
from hack.charts.helm import CRDS, OPERATOR, helm, template
from hack.cluster.binaries import ROOT
from hack.generate.crd import definition
from operators.runtime.settings import Settings
from tests.charts.renderings import SETS, operator, rendered

GOLDEN = ROOT / "tests" / "golden" / "charts"


@pytest.mark.parametrize("name", SETS)
def test_the_chart_renders_as_it_was_reviewed(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.yaml", template(OPERATOR, *SETS[name]))


@pytest.mark.parametrize("chart", [CRDS, OPERATOR], ids=lambda chart: chart.name)
def test_helm_has_nothing_against_a_chart(chart: Path) -> None:
    said = helm("lint", "--strict", str(chart))
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_install_yaml_is_what_the_charts_say() -> None:
    assert install.PATH.read_text() == install.render(), "run: make charts"


def test_the_crds_of_the_folder_of_the_chart_and_of_install_yaml_are_the_same() -> None:
    ours = {one["metadata"]["name"]: one["spec"] for one in map(definition, KINDS)}
    folder = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    for objects in (
        folder,
        list(yaml.safe_load_all(template(CRDS))),
        list(yaml.safe_load_all(install.PATH.read_text())),
    ):
        found = [one for one in objects if one["kind"] == "CustomResourceDefinition"]
        assert {one["metadata"]["name"]: one["spec"] for one in found} == ours


def test_an_uninstall_keeps_the_crds_with_helm_and_with_argo_cd() -> None:
    for one in yaml.safe_load_all(template(CRDS)):
        said = one["metadata"]["annotations"]
        assert said["helm.sh/resource-policy"] == "keep"
        assert said["argocd.argoproj.io/sync-options"] == "Prune=false,ServerSideApply=true"


def test_a_selector_takes_the_operator_of_install_yaml_away_and_leaves_the_kinds() -> None:
    objects = list(yaml.safe_load_all(install.PATH.read_text()))
    selected = {"app.kubernetes.io/part-of": "modelyard"}.items()
    kept = {
        one["kind"] for one in objects if not selected <= one["metadata"].get("labels", {}).items()
    }
    assert kept == {"CustomResourceDefinition", "Namespace"}


def test_every_setting_of_the_operator_is_set_by_the_chart() -> None:
    flags = {arg.partition("=")[0] for name in ("namespaced", "everything")
             for arg in operator(rendered(*SETS[name]))["args"]}  # fmt: skip
    # A pod is told by its cluster how to reach it, and acts by the Lease always.
    unset = {"kubeconfig", "leader_elect"}
    wanted = {"--" + name.replace("_", "-") for name in Settings.model_fields.keys() - unset}
    assert flags - {"run"} == wanted


def test_charts_and_program_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for chart in (CRDS, OPERATOR):
        about: dict[str, Any] = yaml.safe_load((chart / "Chart.yaml").read_text())
        assert {about["version"], about["appVersion"]} == {project["version"]}


def test_the_helm_test_knows_an_example_of_each_chosen_kind() -> None:
    pod = next(one for one in rendered(*SETS["namespaced"]) if one["kind"] == "Pod")
    told = {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}
    kinds = json.loads(told["KINDS"])
    assert list(kinds) == ["ModelCanary"]
    assert kinds["ModelCanary"]["example"]["spec"]["arms"]
