"""The operator uses every right that it is granted, and asks for none that it is not."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controllers.api.modelcanary import APPROVE
from controllers.plan import FINALIZER, Event, Resource
from hack.cluster.cluster import Cluster
from hack.cluster.operator import install
from hack.cluster.workload import workload
from hack.rights.used import Mode
from operators.kinds import RULES
from operators.runtime.events import TELL_AGAIN, EventRecorder
from operators.runtime.gateway import KubeGateway
from operators.runtime.resources import DEPLOYMENT, STATEFUL_SET
from operators.runtime.rights import EVERYONE, Right, rights
from operators.runtime.telemetry import Telemetry
from tests.cluster import keda
from tests.cluster.autoscaler_scene import AUTOSCALER, quick
from tests.cluster.oracle import History
from tests.cluster.scene import Scene, staged

pytestmark = pytest.mark.cluster


@pytest.fixture(params=list(Mode))
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[Scene, Mode]]:
    """An empty scene on the shared cluster, or alone on one where the operator serves all of it."""
    if request.param is Mode.NAMESPACED:
        yield request.getfixturevalue("bare_scene"), Mode.NAMESPACED
        return
    start: Callable[..., Cluster] = request.getfixturevalue("own_cluster")
    cluster = start()
    install(cluster)
    cluster.kubectl("create", "namespace", "wide")
    with staged(cluster, "wide") as scene:
        yield scene, Mode.CLUSTER_WIDE


def test_the_rights_it_used_in_a_run_are_the_rights_that_it_has(stage: tuple[Scene, Mode]) -> None:
    scene, mode = stage
    keda.install(scene.cluster)
    with ThreadPoolExecutor(1) as pool:
        operator = pool.submit(scene.operate, wide=mode is Mode.CLUSTER_WIDE)
        scene.serve()
        operator.result()
    scale(scene, DEPLOYMENT, demand=60)
    scale(scene, STATEFUL_SET, demand=0, minReplicas=0)
    scene.create(steps=[{"weight": 20, "minDuration": "2s", "pause": {}}, {"weight": 50}])
    scene.until_phase("Paused")
    scene.annotate(APPROVE)
    scene.until_green(50)
    scene.release("blue", "7")
    scene.until(lambda: scene.finalizers() == [], 30, "it is at rest again")
    scene.until(lambda: replicas(scene, DEPLOYMENT) == 4, 30, "the Deployment was scaled")
    scene.until(lambda: replicas(scene, STATEFUL_SET) == 0, 30, "the StatefulSet was scaled")
    assert autoscaler(scene, STATEFUL_SET)["metadata"]["finalizers"] == [FINALIZER]
    scene.api.delete(AUTOSCALER, scene.namespace, STATEFUL_SET.plural)
    scene.until(lambda: replicas(scene, STATEFUL_SET) == 1, 15, "the StatefulSet got one back")
    scene.until(lambda: not autoscaler(scene, STATEFUL_SET), 15, "its autoscaler is gone")
    asyncio.run(tell_twice(scene))

    asked = list(History(scene.cluster, scene.namespace).ours())
    used = {Right(one.verb, one.group, one.resource) for one in asked}
    has = set(rights(RULES))
    assert used - has - set(EVERYONE) == set(), "used and not granted"
    assert has - used == set(), "granted and never used"
    # 429: whoever lists a definition that is new is to come again, and who comes in a crowd.
    assert {one.code for one in asked} <= {200, 201, 404, 409, 429}


async def tell_twice(scene: Scene) -> None:
    """Tells one thing twice, as the operator does, whose repeats are a minute apart."""
    canary = scene.canary()
    assert canary is not None
    gateway = await KubeGateway.connect(str(scene.operator.kubeconfig))
    now = 0.0
    recorder = EventRecorder(gateway, "test", Telemetry(), lambda: now)
    for _ in range(2):
        recorder.record(canary, Event("Repeated", "the same again"))
        await recorder.drain()
        now += TELL_AGAIN
    await gateway.close()
    (told,) = [one for one in scene.events() if one["reason"] == "Repeated"]
    assert told["series"]["count"] == 2


def scale(scene: Scene, kind: Resource, *, demand: float, **changes: Any) -> None:
    """Makes a target of that kind and its autoscaler, for a demand that someone claims."""
    name = kind.plural
    scene.cluster.nodes.add(1)
    scene.api.apply(kind, workload(name, scene.namespace, kind=kind.kind))
    claimed = f"vector({demand})"
    spec = quick(
        "nobody.example",
        targetRef={"apiVersion": kind.api_version, "kind": kind.kind, "name": name},
        signals=[
            {"name": "demand", "role": "Demand", "query": claimed},
            {"name": "wanted", "role": "Activation", "query": claimed},
        ],
        scaleToZero={"idle": "2s"},
        **changes,
    )
    meta = {"name": name, "namespace": scene.namespace}
    scene.api.apply(AUTOSCALER, {"metadata": meta, "spec": spec})


def replicas(scene: Scene, kind: Resource) -> int:
    found = scene.api.get(kind, scene.namespace, kind.plural)
    assert found is not None
    return int(found["spec"]["replicas"])


def autoscaler(scene: Scene, kind: Resource) -> dict[str, Any]:
    return scene.api.get(AUTOSCALER, scene.namespace, kind.plural) or {}
