"""The operator goes for good: ``modelyard leave`` gives back what its objects hold."""

import sys

import pytest

from controllers.api.modelcanary import RETRY
from controllers.plan import FINALIZER
from hack.cluster.binaries import ROOT
from hack.cluster.process import Process
from hack.cluster.site import Site, environment
from operators.runtime.resources import STATEFUL_SET
from tests.cluster.operator import free_port
from tests.cluster.scene import Scene
from tests.cluster.test_rights import autoscaler, replicas, scale

pytestmark = pytest.mark.cluster


def leave(scene: Scene, *flags: str) -> Process:
    """Starts the command as the operator's account."""
    process = Site(scene.cluster.folder).process(f"leave-{scene.namespace}")
    command = [sys.executable, "-m", "operators.cli", "leave"]
    command += ["--kubeconfig", str(scene.operator.kubeconfig)]
    command += ["--prometheus-url", scene.cluster.prometheus_url]
    command += ["--namespace", scene.namespace, "--lease-namespace", scene.namespace]
    command += ["--listen", f"127.0.0.1:{free_port()}", "--log-format", "text", *flags]
    process.start(command, environment({"PYTHONPATH": str(ROOT)}))
    return process


def test_what_objects_hold_is_given_back_and_the_next_operator_finds_them_at_rest(
    scene: Scene,
) -> None:
    scale(scene, STATEFUL_SET, demand=0, minReplicas=0)
    scene.create()
    scene.until_green(20)
    scene.until(lambda: replicas(scene, STATEFUL_SET) == 0, 30, "the StatefulSet is at zero")
    scene.operator.terminate()
    scene.until(lambda: not scene.operator.running(), 15, "the operator has ended")
    assert scene.finalizers() == [FINALIZER]

    process = leave(scene)
    scene.until(lambda: process.pid() is None, 60, "the command has ended")
    assert "0 objects are held: done" in process.log.read_text()
    assert scene.weights() == {"blue": 100, "green": 0}
    assert scene.finalizers() == []
    assert replicas(scene, STATEFUL_SET) == 1
    assert not autoscaler(scene, STATEFUL_SET)["metadata"].get("finalizers")

    scene.operator.start()
    scene.until_phase("RolledBack")
    assert scene.green() == 0
    scene.annotate(RETRY)
    scene.until_green(20)


def test_it_waits_for_the_lease_and_says_what_is_held_when_its_time_is_over(scene: Scene) -> None:
    scene.create()
    scene.until_green(20)
    process = leave(scene, "--seconds", "4")
    scene.until(lambda: process.pid() is None, 30, "the command has ended")
    assert f"still held: ModelCanary {scene.namespace}/fraud" in process.log.read_text()
    assert scene.finalizers() == [FINALIZER]
