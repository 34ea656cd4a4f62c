"""The gateway to a real API server leaves nothing open, and no key in a file."""

import asyncio
import gc
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.site import environment
from operators.runtime.gateway import KubeGateway
from operators.runtime.resources import DEPLOYMENT
from tests.cluster.api import Api
from tests.cluster.operator import Operator

pytestmark = pytest.mark.cluster


def test_watches_that_are_cancelled_leave_no_connection_behind(
    cluster: Cluster, namespace: str
) -> None:
    async def follow(gateway: KubeGateway) -> None:
        _, version = await gateway.list(DEPLOYMENT, namespace)
        async for _ in gateway.watch(DEPLOYMENT, namespace, version):
            pass

    async def story() -> None:
        gateway = await KubeGateway.connect(str(cluster.kubeconfig))
        watches = [asyncio.create_task(follow(gateway)) for _ in range(5)]
        await asyncio.sleep(1.0)
        assert not any(watch.done() for watch in watches)
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        await gateway.close()

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        asyncio.run(story())
        gc.collect()
    assert [str(one.message) for one in heard] == []


def test_an_operator_that_ends_leaves_no_key_of_its_kubeconfig_behind(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    with Api(cluster) as api:
        kubeconfig = Operator(cluster, api, namespace).kubeconfig
    command = [sys.executable, "-m", "operators.cli", "run", "--kubeconfig", str(kubeconfig)]
    command += ["--namespace", namespace, "--lease-namespace", namespace]
    command += ["--listen", "127.0.0.1:0"]
    scratch, log = tmp_path / "scratch", tmp_path / "log"
    scratch.mkdir()
    given = environment({"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)})
    with (
        log.open("w") as said,
        subprocess.Popen(command, env=given, cwd=ROOT, stderr=said) as operator,
    ):
        try:
            deadline = time.monotonic() + 60.0
            while "standing by" not in log.read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert list(scratch.glob("modelyard-*/*")), "it wrote the authority to a file"
            operator.terminate()
            assert operator.wait(30.0) == 0
        finally:
            operator.kill()
    assert list(scratch.iterdir()) == []
