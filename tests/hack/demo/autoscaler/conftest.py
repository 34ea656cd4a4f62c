"""Scenes as a run has them, from before the forecast until the peak is over."""

from collections.abc import Iterator

import numpy as np
import pytest
import yaml

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from hack.demo.autoscaler.scene import Moment, Scene, Side, Told
from hack.demo.autoscaler.stage import FULL, MANIFESTS

BEGINS = 200.0


@pytest.fixture
def spec() -> InferenceAutoscalerSpec:
    found = yaml.safe_load((MANIFESTS / "inferenceautoscaler.yaml").read_text())
    return InferenceAutoscalerSpec.model_validate(found["spec"])


def _scenes() -> Iterator[Scene]:
    trail: list[Moment] = []
    events: list[tuple[float, Told]] = []
    ends = BEGINS + FULL.peak.length
    for second in np.arange(0.0, ends + 12.0, 2.0).tolist():
        demand = float(FULL.peak.rate(np.array([second - BEGINS]))[0])
        ours = Side(8, 8, 8, 9000, 3, 0.002, 0.5) if second > 150 else Side(3, 3, 3, 1000, 0)
        late = second > BEGINS + 5
        theirs = Side(9, 9, 3, 9000, 5000, 0.999, 10.0) if late else Side(3, 3, 3, 1000, 0)
        trail.append(Moment(second, demand, {"modelyard": ours.ready, "hpa": theirs.ready}))
        if second % 20 == 0:
            events.append(
                (second, Told("modelyard ScaledUp", "from 3 to 7 replicas: " + "x" * 200))
            )
        yield Scene(
            seconds=second,
            begins=BEGINS,
            ends=ends,
            demand=demand,
            sides={"modelyard": ours, "hpa": theirs},
            status=_status(second),
            trail=tuple(trail),
            events=tuple(events),
        )


def _status(second: float) -> InferenceAutoscalerStatus:
    demand = {"now": "12.01", "quantile": "0.98", "horizon": "2m10s"}
    if second > 10:
        demand |= {"upper": "61.25", "model": "Ridge", "skill": "0.46", "coverage": "0.9612"}
    return InferenceAutoscalerStatus.model_validate(
        {"demand": demand, "capacity": {"perReplica": "10", "source": "Given"}}
    )


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    return list(_scenes())
