"""The peak that recurs: two workloads go through it side by side."""

import time
from dataclasses import dataclass
from datetime import datetime

from controllers import conditions
from hack.demo.autoscaler.outcome import needed, problems, summary
from hack.demo.autoscaler.scene import Scene
from hack.demo.autoscaler.stage import DAYS, FIRST, OURS, THEIRS, Stage
from hack.demo.screen import Screen
from hack.demo.view import clock
from hack.demo.watch import StuckError

LOOK = 0.5
"""Seconds between two looks."""
AFTERWARDS = 12.0
"""Seconds after the peak in which its last requests are answered or given up."""
SPARE, KEPT = 120.0, 3600.0
"""Seconds after the peak until the traffic ends by itself, whatever happens to this process."""


@dataclass(frozen=True)
class Told:
    """How it went: the scenes when the peak had begun and when it was over, and the summary."""

    scenes: tuple[Scene, Scene]
    summary: tuple[str, ...]


def tell(stage: Stage, screen: Screen[Scene], *, keep: bool) -> Told:
    """Plays everything; raises DiedError, NoAnswerError, CommandError or StuckError."""
    peak = stage.act.peak
    stage.up()
    screen.say(f"{OURS} and {THEIRS}: two Deployments with {FIRST} replicas, each ready to serve")
    until = stage.begin(KEPT if keep else SPARE)
    when = datetime.fromtimestamp(time.time() + until).astimezone()
    screen.say(
        f"both get {peak.base:.0f} requests a second through Envoy, and {peak.top:.0f} in the peak"
        f" at minute {when:%M} of every hour: so it was for the {DAYS} days that were put into"
        f" Prometheus, and the next one begins in {clock(until)}"
    )
    stage.scale()
    screen.say(
        f"{OURS} is scaled by an InferenceAutoscaler, {THEIRS} by Kubernetes' own"
        " HorizontalPodAutoscaler, which both have the demand from the same query;"
        f" a new replica takes {stage.act.start_up} to be ready"
    )
    with screen:
        first, last, trusted = _watch(stage, screen)
    ours, theirs = stage.outcome(OURS), stage.outcome(THEIRS)
    need = needed(stage.spec, peak.top)
    said = summary(ours, theirs, need)
    if wrong := problems(ours, theirs, need, trusted=trusted):
        raise StuckError(
            "\n  ".join((f"this is not what was to be shown: {'; '.join(wrong)}", *said))
        )
    return Told((first, last), said)


def _watch(stage: Stage, screen: Screen[Scene]) -> tuple[Scene, Scene, bool]:
    """The scene in the middle of the peak, the last one, and if the forecast was trusted before."""
    middle: Scene | None = None
    trusted = False
    while True:
        scene = stage.look()
        screen.show(scene)
        if scene.seconds < scene.begins:
            trusted = is_trusted(scene)
        if middle is None and scene.seconds > (scene.begins + scene.ends) / 2:
            middle = scene
        if scene.seconds > scene.ends + AFTERWARDS:
            return middle or scene, scene, trusted
        time.sleep(LOOK)


def is_trusted(scene: Scene) -> bool:
    """Whether the autoscaler plans by a forecast."""
    found = conditions.get(scene.status.conditions, "ForecastTrusted")
    return found is not None and found.status == "True"
