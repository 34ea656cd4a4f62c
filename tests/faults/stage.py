"""A short promotion and a short raise, the scenarios that are the same with faults and without."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.api.modelcanary import APPROVE
from controllers.api.modelcanary.status import Phase
from hack.faults.proxy import FaultProxy
from tests.cluster.autoscaler_scene import EACH, ScalingScene
from tests.cluster.oracle import History
from tests.cluster.scene import ERRORS, Scene
from tests.cluster.story import Story
from tests.faults import oracle, weather
from tests.faults.operator import FaultedOperator, Kubelet

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "faults"
SHORT: dict[str, Any] = {
    "steps": [{"weight": 50, "minDuration": "2s", "pause": {}}],
    "guardrails": [{**ERRORS, "floor": "0.05"}],
}
Golden = Callable[[Path, str], None]


@dataclass
class Stage:
    """A canary's or an autoscaler's scene with an operator that may meet with faults."""

    operator: FaultedOperator
    kubelet: Kubelet
    began: float

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self.began


@contextmanager
def operated(
    story: Story, *flags: str, server: FaultProxy | None = None, **more: Any
) -> Iterator[Stage]:
    """An operator of the story that reaches the API server through ``server``, if there is one."""
    url = server.url if server else ""
    operator = FaultedOperator(
        story.cluster, story.api, story.namespace, *flags, server=url, **more
    )
    story.operators.append(operator)
    operator.start()
    with Kubelet(operator) as kubelet:
        yield Stage(operator, kubelet, time.monotonic())
    kubelet.check()


def begin_promotion(scene: Scene, **changes: Any) -> None:
    """A canary with one step, at which it waits for a person, and a certificate after seconds."""
    scene.create(**{**SHORT, **changes})


def until_paused(scene: Scene, seconds: float = weather.PATIENCE) -> None:
    """The first half: the candidate has its share, and a person is waited for."""
    scene.until(lambda: scene.status().phase is Phase.PAUSED, seconds, "it waits for an approval")


def approve(scene: Scene) -> None:
    """What the person then says."""
    scene.annotate(APPROVE)


def until_promoted(scene: Scene, golden: Golden, seconds: float = weather.PATIENCE) -> None:
    """The second half, and that its end is the one of an undisturbed promotion."""
    scene.until_phase("Promoted", seconds)
    scene.until(lambda: not scene.finalizers(), seconds, "nothing holds up a deletion")
    scene.until(lambda: not scene.annotations(), seconds, "the approval is used up")
    golden(GOLDEN / "promotion.yaml", oracle.end_of_canary(scene))
    oracle.check_canary(History(scene.cluster, scene.namespace))


def begin_raise(scene: ScalingScene, **changes: Any) -> None:
    """One replica under the load of five, of which three may be."""
    scene.load(4.5 * EACH)
    scene.create(maxReplicas=3, **changes)


def until_raised(scene: ScalingScene, golden: Golden, seconds: float = weather.PATIENCE) -> None:
    """The end of the raise: the one of an undisturbed one."""
    scene.until_ready(3, seconds)

    def so_it_ends() -> bool:
        known = scene.status().replicas
        try:
            golden(GOLDEN / "raise.yaml", oracle.end_of_autoscaler(scene))
        except AssertionError:  # more may be wanted than is known yet, or one not be scraped yet
            return False
        return known.current == known.ready == 3

    scene.until(so_it_ends, seconds, "it ended as an undisturbed raise")
    oracle.check_generations(scene.scalings().history)
