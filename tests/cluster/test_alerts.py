"""The chart's alerts on the metrics of a real operator, asked of the Prometheus that scrapes it."""

import pytest
import requests
import yaml

from hack.charts.helm import OPERATOR
from tests.cluster.operator import Operator, free_port
from tests.cluster.scene import Scene

pytestmark = pytest.mark.cluster

RULES = yaml.safe_load((OPERATOR / "files" / "alerts.yaml").read_text())["groups"][0]["rules"]


def watched(scene: Scene, operator: Operator) -> Operator:
    """The operator, started and scraped."""
    operator.start()
    scene.cluster.scrape(scene.namespace, f"127.0.0.1:{operator.port}", scene=scene.namespace)
    return operator


def firing(scene: Scene) -> set[str]:
    """The alerts whose expression is true now, with windows as short as a test."""
    return {rule["alert"] for rule in RULES if _holds(scene, rule["expr"])}


def _holds(scene: Scene, expression: str) -> bool:
    ours = expression.replace('job="modelyard"', f'scene="{scene.namespace}"')
    query = {"query": ours.replace("[5m]", "[15s]").replace("[15m]", "[15s]")}
    answer = requests.get(f"{scene.cluster.prometheus_url}/api/v1/query", query, timeout=10).json()
    assert answer["status"] == "success", answer
    return bool(answer["data"]["result"])


def test_a_healthy_operator_is_silent_one_with_a_wrong_url_is_blind_and_a_dead_one_is_away(
    bare_scene: Scene,
) -> None:
    scene = bare_scene
    well = watched(scene, scene.prepare())
    try:
        scene.serve()
        scene.create()
        scene.until_green(20)
        scene.until(lambda: not firing(scene), 20, "nothing is told of it")
        scene.always(lambda: not firing(scene), 5, "nothing is told of it")
        well.kill()
        nobody = f"http://127.0.0.1:{free_port()}"
        blind = watched(scene, scene.prepare(prometheus_url=nobody))
        scene.until(lambda: firing(scene) == {"ModelyardBlind"}, 60, "it is told to be blind")
        assert scene.says("MetricsAvailable")[:2] == ("False", "Failed")
        blind.kill()
        scene.until(lambda: "ModelyardAway" in firing(scene), 30, "it is told to be away")
    finally:
        scene.cluster.stop_scraping(scene.namespace)
