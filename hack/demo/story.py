"""The acts: a good version is promoted on evidence, a faulty one is taken back."""

from dataclasses import dataclass
from typing import Any

from controllers.api.base import go_duration
from controllers.api.modelcanary.status import Phase
from hack.demo.scene import Scene
from hack.demo.screen import Screen
from hack.demo.stage import HOST, NAME, NAMESPACE, RPS, Stage
from hack.demo.train import Trained, Training, train
from hack.demo.watch import watch

PROMOTED_WITHIN, ROLLED_BACK_WITHIN = 300.0, 120.0
TRAFFIC, TRAFFIC_KEPT = 900.0, 3600.0
"""Seconds after which the traffic ends by itself, whatever happens to this process."""


@dataclass(frozen=True)
class Told:
    """How it went: the last scenes of both acts and one telling of each, and what to remember."""

    promotion: tuple[Scene, Scene]
    """While the certificate was awaited, and when the good version had all of the traffic."""
    rollback: tuple[Scene, Scene]
    """When the fault was found, and when the stable version had all of the traffic again."""
    summary: tuple[str, ...]


def tell(stage: Stage, screen: Screen[Scene], *, short: bool, keep: bool) -> Told:
    """Plays everything; raises DiedError, NoAnswerError or StuckError where that fails."""
    screen.say(f"training three versions of a model that reads digits in {stage.cluster.folder}")
    training = train(stage.cluster.folder / "models")
    for trained in training.models.values():
        screen.say(_introduced(trained))
    stage.up()
    first, good, faulty = (training.models[version] for version in ("1", "2", "3"))
    _prepare(stage, screen, training, keep=keep)
    screen.say(f"releasing version {good.version} on arm green: hack/demo/manifests")
    with screen:
        promotion = _promotion(stage, screen, first, good, short=short)
    screen.say(f"releasing version {faulty.version} on arm blue, where version 1 was:")
    patch = f'{{"spec":{{"release":{{"arm":"blue","version":"{faulty.version}"}}}}}}'
    screen.say(f"  kubectl patch modelcanary {NAME} --type=merge -p '{patch}'")
    stage.serve("blue", faulty)
    stage.cluster.kubectl(
        "patch", "modelcanary", NAME, f"-n={NAMESPACE}", "--type=merge", "-p", patch
    )
    with screen:
        rollback = _rollback(stage, screen, faulty)
    summary = (_promoted(promotion[1]), _rolled_back(stage, faulty))
    return Told(promotion, rollback, summary)


def _introduced(trained: Trained) -> str:
    score = f"{_percent(trained)} right {trained.test}"
    return f"  version {trained.version}, {trained.what}: {score}"


def _percent(trained: Trained) -> str:
    return f"{100 * trained.accuracy:.1f} %"


def _prepare(stage: Stage, screen: Screen[Scene], training: Training, *, keep: bool) -> None:
    """Both arms answer, and the traffic goes to the first one."""
    screen.say("serving version 1 on arm blue and version 2 on arm green")
    stage.serve("blue", training.models["1"])
    stage.serve("green", training.models["2"])
    stage.apply("virtualservice.yaml")
    screen.say(f"sending {RPS:.0f} images a second to {HOST} through Envoy")
    stage.send(training.images, TRAFFIC_KEPT if keep else TRAFFIC)


def _promotion(
    stage: Stage, screen: Screen[Scene], old: Trained, new: Trained, *, short: bool
) -> tuple[Scene, Scene]:
    stage.apply("modelcanary.yaml", _hurried if short else lambda _: None)
    title = f"Version {new.version} is right on {_percent(new)} of the images, "
    title += f"version {old.version} on {_percent(old)}. Is it as reliable?"
    return watch(
        lambda: stage.look(title),
        screen.show,
        wanted=Phase.PROMOTED,
        telling=lambda scene: scene.status.phase is Phase.CERTIFYING and _evidence(scene) > 4,
        seconds=PROMOTED_WITHIN,
    )


def _hurried(canary: Any) -> None:
    """Fewer and shorter steps for the impatient; the evidence that is needed stays the same."""
    canary["spec"]["steps"] = [{"weight": weight, "minDuration": "6s"} for weight in (10, 50)]


def _evidence(scene: Scene) -> float:
    return min((one.certify_evidence or 0.0 for one in scene.status.guardrails), default=0.0)


def _rollback(stage: Stage, screen: Screen[Scene], new: Trained) -> tuple[Scene, Scene]:
    title = f"Version {new.version} was right on {_percent(new)} {new.test}. Is it as reliable?"
    return watch(
        lambda: stage.look(title),
        screen.show,
        wanted=Phase.ROLLED_BACK,
        telling=lambda scene: scene.status.phase is Phase.ROLLING_BACK,
        seconds=ROLLED_BACK_WITHIN,
    )


def _promoted(scene: Scene) -> str:
    candidate = scene.status.candidate
    version = candidate.version if candidate else ""
    counts = "; ".join(
        f"{one.name}: {one.candidate.bad} of {one.candidate.requests:,} answers bad, evidence "
        f"{one.certify_evidence or 0.0:.1f} of {1 / scene.spec.error_budget.beta:.0f}"
        for one in scene.status.guardrails
        if one.candidate
    )
    return f"version {version} was promoted after {_clock(scene)} of traffic on evidence. {counts}"


def _clock(scene: Scene) -> str:
    return go_duration(round(scene.seconds))


def _rolled_back(stage: Stage, faulty: Trained) -> str:
    version, tally = faulty.version, stage.tally
    first = tally.first_bad[version]
    gone = next(when for when, shares in stage.moves if when > first and not shares["blue"])
    return (
        f"version {version} was rolled back: {gone - first:.1f} s from its first bad answer to "
        f"weight 0 at Envoy, {tally.bad[version]} of its {tally.answers[version]} answers bad"
    )
