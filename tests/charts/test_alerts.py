"""The alerts, as Prometheus itself judges them: each tells of its own fault only."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from hack.charts.helm import OPERATOR
from hack.cluster.site import binary
from operators.runtime.telemetry import Telemetry
from tests.charts.renderings import SETS, one_of, rendered

FILE = OPERATOR / "files" / "alerts.yaml"
NAMES = [rule["alert"] for rule in yaml.safe_load(FILE.read_text())["groups"][0]["rules"]]

WELL: Mapping[str, str] = {
    'up{job="modelyard",pod="a"}': "1x60",
    'up{job="modelyard",pod="b"}': "1x60",
    'modelyard_leader{job="modelyard",pod="a"}': "1x60",
    'modelyard_leader{job="modelyard",pod="b"}': "0x60",
    'modelyard_loop_last_tick_seconds{job="modelyard",pod="a",kind="ModelCanary"}': "0+30x60",
    'modelyard_kind_off{job="modelyard",pod="a",kind="ModelCanary"}': "0x60",
    'modelyard_readings_total{job="modelyard",state="Answered"}': "0+60x60",
    'modelyard_readings_total{job="modelyard",state="Failed"}': "0+20x60",
    'modelyard_writes_total{job="modelyard",kind="VirtualService",result="ok"}': "0+1x60",
    'modelyard_writes_total{job="modelyard",kind="VirtualService",result="Conflict"}': "0+1x60",
    'modelyard_reconciles_total{job="modelyard",kind="ModelCanary",result="ok"}': "0+9x60",
    'modelyard_reconciles_total{job="modelyard",kind="ModelCanary",result="bug"}': "3x60",
    'modelyard_watch_restarts_total{job="modelyard",pod="a"}': "1x60",
}
"""Half an hour of a healthy operator, a sample every 30 s: a third of its queries may fail."""

WRONG: Mapping[str, Mapping[str, str]] = {
    "ModelyardAway": {
        'up{job="modelyard",pod="a"}': "0x60", 'up{job="modelyard",pod="b"}': "0x60",
    },
    "ModelyardLeaderless": {'modelyard_leader{job="modelyard",pod="a"}': "0x60"},
    "ModelyardTwoLeaders": {'modelyard_leader{job="modelyard",pod="b"}': "1x60"},
    "ModelyardStalled": {
        'modelyard_loop_last_tick_seconds{job="modelyard",pod="a",kind="ModelCanary"}': "90x60",
    },
    "ModelyardKindOff": {
        'modelyard_kind_off{job="modelyard",pod="a",kind="ModelCanary"}': "1x60",
    },
    "ModelyardBlind": {
        'modelyard_readings_total{job="modelyard",state="Failed"}': "0+90x60",
    },
    "ModelyardRefused": {
        'modelyard_writes_total{job="modelyard",kind="Lease",result="Forbidden"}': "0+1x60",
    },
    "ModelyardBug": {
        'modelyard_reconciles_total{job="modelyard",kind="ModelCanary",result="bug"}': "3+1x60",
    },
    "ModelyardRestartsWatches": {
        'modelyard_watch_restarts_total{job="modelyard",pod="a"}': "1+1x60",
    },
}  # fmt: skip
"""What turns each of them on."""


def firing(folder: Path, series: Mapping[str, str], quiet: list[str]) -> str:
    """What promtool finds after half an hour, where it should find none of the ``quiet``."""
    checks = [{"eval_time": "29m", "alertname": name} for name in quiet]
    test: dict[str, Any] = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [{"series": one, "values": v} for one, v in series.items()],
                "alert_rule_test": checks,
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [str(binary("promtool")), "test", "rules", str(path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_nothing_is_told_of_a_healthy_operator(tmp_path: Path) -> None:
    assert firing(tmp_path, WELL, NAMES) == ""


def test_every_alert_has_a_case() -> None:
    assert list(WRONG) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_tells_of_what_it_is_for_and_no_other_does(name: str, tmp_path: Path) -> None:
    series = {**WELL, **WRONG[name]}
    assert firing(tmp_path, series, [one for one in NAMES if one != name]) == ""
    said = firing(tmp_path, series, [name])
    assert f'alertname="{name}"' in said
    assert "<no value>" not in said


def test_an_alert_asks_for_metrics_that_there_are() -> None:
    parts = [one for one in vars(Telemetry()).values() if isinstance(one, MetricWrapperBase)]
    exported = {family.name for part in parts for family in part.describe()}
    asked = set(re.findall(r"modelyard_[a-z_]+", FILE.read_text()))
    assert {name.removesuffix("_total") for name in asked} <= exported


def test_the_chart_asks_for_the_release_that_it_installs() -> None:
    rule = one_of(rendered(*SETS["everything"]), "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    assert [one["alert"] for one in group["rules"]] == NAMES
    for one in group["rules"]:
        assert 'job="yard",namespace="modelyard-system"' in one["expr"]
        assert 'job="modelyard"' not in one["expr"]
