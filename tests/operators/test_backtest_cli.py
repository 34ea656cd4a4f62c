"""The command line of a back-test: its times, its settings, its errors and what it prints."""

from pathlib import Path

import pytest

from operators.backtest.replay import BacktestError
from operators.cli import main
from operators.cli.backtest import moment

MANIFEST = """
apiVersion: modelyard.dev/v1alpha1
kind: InferenceAutoscaler
metadata: {name: llm, namespace: prod}
spec:
  targetRef: {name: llm}
  maxReplicas: 5
  signals: [{name: demand, role: Demand, preset: Istio}]
  capacity: {requestsPerSecond: "10"}
"""
NOON = 1_790_078_400.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-09-22T12:00:00Z", NOON),
        ("2026-09-22T12:00", NOON),
        ("2026-09-22T14:00:00+02:00", NOON),
        ("2026-09-22", NOON - 12 * 3600),
        ("168h", NOON - 7 * 86400),
        ("0s", NOON),
    ],
)
def test_a_time_is_a_date_or_how_long_before_and_has_no_zone_but_its_own_or_utc(
    text: str, at: float
) -> None:
    assert moment(text, NOON, "--from") == at


def test_what_is_no_time_is_said_with_one_that_is() -> None:
    with pytest.raises(BacktestError, match=r"--from yesterday: give a time such as 2026-.*168h"):
        moment("yesterday", NOON, "--from")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "no Prometheus configured: set --prometheus-url"),
        (("--prometheus-url=http://127.0.0.1:9",), "Prometheus cannot be reached"),
        (("--step=10m",), "--step 10m: give whole seconds from 1s to 5m"),
        (("--step=1500ms",), "--step 1500ms: give whole seconds from 1s to 5m"),
        (("--step=often",), "--step often: 'often' is no duration"),
        (("--to=2126-01-01",), "--to 2126-01-01 lies in the future"),
        (("--from=2026-01-02", "--to=2026-01-01"), "--from and --to are less than two steps"),
    ],
)
def test_what_cannot_be_is_said_and_ends_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.delenv("MODELYARD_PROMETHEUS_URL", raising=False)
    file = tmp_path / "llm.yaml"
    file.write_text(MANIFEST)
    assert main(["backtest", str(file), *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("modelyard backtest: ")
    assert said in err


def test_the_file_is_named_where_its_field_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "llm.yaml"
    file.write_text(MANIFEST.replace("maxReplicas: 5", "maxReplicas: 0"))
    assert main(["backtest", str(file)]) == 2
    assert f"modelyard backtest: {file}: spec.maxReplicas is 0" in capsys.readouterr().err
