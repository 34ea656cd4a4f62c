"""The edges of the process: health pages, log lines, settings and flags."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from operators.cli import main
from operators.runtime.health import STALLED, Health
from operators.runtime.logs import JsonFormatter, about
from operators.runtime.settings import Settings, environment
from operators.runtime.store import Store
from operators.runtime.telemetry import Telemetry
from tests.operators.bench import TOYS, Bench
from tests.operators.double import Double
from tests.operators.toy import CONFIG_MAP


async def _pages(health: Health, *paths: str) -> list[tuple[int, str]]:
    async with TestClient(TestServer(health.application())) as client:
        answers = [await client.get(path) for path in paths]
        return [(one.status, await one.text()) for one in answers]


def test_a_loop_that_stopped_ticking_fails_healthz_and_one_that_never_began_does_not() -> None:
    async def story() -> list[list[tuple[int, str]]]:
        bench = Bench(Double())
        now = 1000.0
        health = Health({"Toy": bench.loop}, {}, {}, bench.telemetry, lambda: False, lambda: now)
        pages = []
        for ticked in (None, now - STALLED + 1, now - STALLED - 1):
            bench.loop.ticked = ticked
            pages.append(await _pages(health, "/healthz"))
        return pages

    (never,), (alive,), (dead,) = asyncio.run(story())
    assert (never[0], alive[0], dead[0]) == (200, 200, 503)
    assert "no sign of life for 31 s" in dead[1]


def test_readyz_waits_for_our_own_kinds_and_names_what_else_is_missing() -> None:
    async def story() -> list[tuple[int, str]]:
        own, other = Store(TOYS), Store(CONFIG_MAP)
        other.withdraw("not served")
        health = Health({}, {"Toy": own}, {"ConfigMap": other}, Telemetry(), lambda: False)
        first = await _pages(health, "/readyz")
        own.replace([], 1)
        return first + await _pages(health, "/readyz", "/metrics")

    waiting, ready, metrics = asyncio.run(story())
    assert waiting[0] == 503
    assert json.loads(waiting[1])["off"] == {}
    assert json.loads(waiting[1])["waiting"] == {"Toy": "not listed yet"}
    assert ready[0] == 200, "a standby is ready"
    assert json.loads(ready[1])["missing"] == {"ConfigMap": "not served"}
    assert "# HELP modelyard_reconciles_total" in metrics[1]


@dataclass
class Looked:
    """A check with the outcome that a test wants."""

    asked: bool = True
    off: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def test_a_kind_that_is_off_makes_the_pod_unready_only_when_no_other_works() -> None:
    stores = {"Toy": Store(TOYS), "Box": Store(CONFIG_MAP)}
    check = Looked(asked=False)

    def page() -> tuple[int, dict[str, Any]]:
        health = Health({}, stores, {}, Telemetry(), lambda: False, checks=[check])
        ((code, text),) = asyncio.run(_pages(health, "/readyz"))
        return code, json.loads(text)

    for store in stores.values():
        store.replace([], 1)
    assert page()[0] == 503, "nobody has looked yet"
    check.asked, check.notes = True, {"Event": "no right to tell"}
    assert page()[0] == 200
    assert page()[1]["notes"] == {"Event": "no right to tell"}
    check.off = {"Toy": "no right"}
    assert page()[0] == 200, "the box works"
    assert page()[1]["off"] == {"Toy": "no right"}
    stores["Box"].withdraw("not served: apply its CRD")
    code, said = page()
    assert code == 503, "nothing works"
    assert said["off"] == {"Toy": "no right", "Box": "not served: apply its CRD"}


def test_a_log_line_is_json_that_names_its_object() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "box %s", ("red",), None)
    vars(record).update(about("Toy", "ns", "one", generation=3, reason="Kept"))
    line = json.loads(JsonFormatter().format(record))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info", "logger": "x", "message": "box red", "kind": "Toy", "namespace": "ns",
        "name": "one", "generation": 3, "reason": "Kept",
    }  # fmt: skip


def test_settings_come_from_the_environment_where_no_flag_is_given() -> None:
    given = environment({"MODELYARD_DRY_RUN": "true", "KUBECONFIG": "/k", "MODELYARD_X": "1"})
    assert given == {"dry_run": "true", "kubeconfig": "/k"}
    assert Settings.model_validate(given).dry_run is True


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--checkpoint", "never"], "--checkpoint 'never'"),
        (["--listen", "8080"], "--listen '8080'"),
        (["--log-format", "xml"], "--log-format 'xml'"),
        (["--kinds", "Teapot"], "--kinds Teapot: no such kind"),
        (["--scale-targets", "pods"], "--scale-targets 'pods': 'pods' is none of deployments.apps"),
        (
            ["--listen", "0.0.0.0:80800"],
            "--listen '0.0.0.0:80800': this is no host and port such as",
        ),
        (["--namespace", "a,b"], "this is not the name of one namespace"),
        (["--lease-namespace", ""], "this is not the name of one namespace"),
        (["--prometheus-url", "prometheus:9090"], "no address such as http://"),
        (["--prometheus-url", "ftp://prometheus"], "--prometheus-url 'ftp://prometheus': "),
        (["--prometheus-token-file", "/t"], "of no use without --prometheus-url"),
        (
            ["--prometheus-url", "http://p", "--prometheus-ca-file", "/none"],
            "--prometheus-ca-file '/none': there is no such file",
        ),
    ],
)
def test_a_wrong_flag_is_named_with_its_value(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *flags]) == 2
    assert said in capsys.readouterr().err


def test_every_setting_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    fields: dict[str, Any] = dict(Settings.model_fields)
    assert all(f"--{name.replace('_', '-')}" in text for name in fields)
    assert all(field.description for field in fields.values())
