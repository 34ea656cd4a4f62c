"""etcd stands still, is full and begins anew: the traffic flows meanwhile, and the run goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from hack.cluster.cluster import Cluster
from hack.cluster.operator import install
from hack.cluster.site import CommandError, Site
from tests.cluster.scene import Scene, staged
from tests.faults import weather
from tests.faults.stage import (
    Golden,
    approve,
    begin_promotion,
    operated,
    until_paused,
    until_promoted,
)

pytestmark = pytest.mark.cluster

NAMESPACE = "stores"


def test_a_promotion_while_etcd_stands_still_is_full_and_begins_anew(
    own_cluster: Callable[..., Cluster], golden: Golden
) -> None:
    cluster = own_cluster("core", "istio", "envoy", "prometheus")
    install(cluster)
    cluster.kubectl("create", "namespace", NAMESPACE)
    etcd = cluster.part("etcd")
    with staged(cluster, NAMESPACE) as scene:
        scene.restarted = True
        scene.serve()
        with operated(scene) as stage:
            begin_promotion(scene)
            until_paused(scene)
            with _flowing(scene):
                etcd.pause()
                time.sleep(weather.FREEZE)
                etcd.resume()
            scene.until(lambda: _healthy(cluster), 60, "the API server is ready")
            assert scene.green() == 50
            _alarm(cluster, "ACTIVATE")
            with pytest.raises(CommandError, match="space exceeded"):
                cluster.kubectl("create", "namespace", "no-room")
            with _flowing(scene):
                time.sleep(weather.FREEZE)
            _alarm(cluster, "DEACTIVATE")
            assert scene.green() == 50
            etcd.kill()
            etcd.start()
            scene.until(lambda: _healthy(cluster), 60, "the API server is ready")
            approve(scene)
            until_promoted(scene, golden)
            print(stage.kubelet.ends)
        assert all(one.status == 200 for one in scene.answers()[:-50])


@contextmanager
def _flowing(scene: Scene) -> Iterator[None]:
    """The traffic is answered all the while that a store serves nobody."""
    answered = len(scene.answers())
    yield
    assert len(scene.answers()) - answered > 0.8 * 50 * weather.FREEZE, "the traffic flows"


def _alarm(cluster: Cluster, action: str) -> None:
    """Raises or ends the alarm under which etcd refuses every write, as one without room does."""
    server = f"http://127.0.0.1:{Site(cluster.folder).port('etcd')}/v3/maintenance"
    member = requests.post(f"{server}/status", json={}, timeout=5).json()["header"]["member_id"]
    asked = {"action": action, "memberID": member, "alarm": "NOSPACE"}
    requests.post(f"{server}/alarm", json=asked, timeout=5).raise_for_status()


def _healthy(cluster: Cluster) -> bool:
    return all(one.healthy for one in cluster.status())
