"""The load is for this machine alone, and its answers are counted by version."""

import subprocess
import sys

import pytest

from hack.cluster.binaries import ROOT
from hack.cluster.traffic import Answer, by_version


@pytest.mark.parametrize("host", ["192.0.2.1", "127.example.org"])
def test_it_is_sent_to_no_other_machine(host: str) -> None:
    refused = subprocess.run(
        [
            *(sys.executable, "-m", "hack.cluster.traffic", "--url", f"http://{host}/predict"),
            *("--host", "fraud.example", "--rps", "1", "--seconds", "1", "--file", "/dev/null"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert f"{host} is not a loopback address such as 127.0.0.1" in refused.stderr


def test_a_server_error_and_no_answer_at_all_are_bad_and_a_client_error_is_not() -> None:
    answers = [
        Answer(at=0.0, clock=0.0, status=status, version=version, seconds=0.01)
        for version, status in (("v1", 200), ("v1", 404), ("v2", 500), ("v2", 200), ("", 0))
    ]
    assert by_version(answers) == {"": (1, 1), "v1": (2, 0), "v2": (2, 1)}
