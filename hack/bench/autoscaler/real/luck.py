"""Scripts that luck has written: what nobody thought of is shown to both as well."""

import random
from dataclasses import replace

from hack.bench.autoscaler.hpa_behavior import Behavior, Change, Policy, Rules, Select
from hack.bench.autoscaler.hpa_metrics import Metric, Phase, Pod, Sample, Source
from hack.bench.autoscaler.real.script import Scene, Script
from hack.bench.autoscaler.real.scripts import (
    BARE,
    CPU,
    EACH,
    FEW,
    IN_FLIGHT,
    LONG_AGO,
    OBJECT,
    OBJECT_EACH,
    VALUE,
    spec,
)

_METRICS = (CPU, replace(CPU, goal=130), IN_FLIGHT, OBJECT, OBJECT_EACH, VALUE, EACH)
_RATIOS = (0.0, 0.3, 0.5, 0.89, 0.9, 0.91, 1.0, 1.09, 1.1, 1.11, 1.5, 2.0, 5.0)


def drawn(seed: int, looks: int) -> Script:
    """A script from a seed: the same seed gives the same script."""
    luck = random.Random(seed)
    metrics = tuple(luck.sample(_METRICS, luck.choice((1, 1, 2))))
    if sum(metric.source is Source.RESOURCE for metric in metrics) > 1:
        metrics = metrics[:1]
    bare = luck.random() < 0.5
    behavior = BARE if bare else _behavior(luck)
    fewest = luck.choice((1, 1, 2, 3))
    requests = [luck.choice((0.5, 1.0, 2.0)) for _ in range(FEW)]

    def scene(look: int, replicas: int) -> Scene:
        here = random.Random(f"{seed} {look}")
        values = tuple(_value(here, metric, replicas) for metric in metrics)
        there = range(here.choice((0, 1, 2, 3, 4, 6, FEW)))
        found = tuple(_pod(here, metrics, values, requests[place]) for place in there)
        overwritten = here.randint(1, 14) if here.random() < (0.8 if bare else 0.08) else None
        surge = here.choice((0, 0, 0, 1, 3, -1)) if replicas > 1 and overwritten is None else 0
        return Scene(found, values, surge, overwritten)

    return Script(
        f"luck {seed}",
        spec(*metrics, behavior=behavior, fewest=fewest, most=luck.choice((6, 12, 40))),
        looks,
        scene,
        replicas=luck.randint(1, 8),
    )


def _behavior(luck: random.Random) -> Behavior | None:
    return None if luck.random() < 0.3 else Behavior(_rules(luck, up=True), _rules(luck))


def _rules(luck: random.Random, *, up: bool = False) -> Rules:
    policies = tuple(
        Policy(change, luck.choice((1, 2, 4) if change is Change.PODS else (20, 50, 100)), 2)
        for change in luck.sample(list(Change), luck.choice((1, 2)))
    )
    select = luck.choice((Select.MAX, Select.MAX, Select.MIN, Select.DISABLED))
    window = luck.choice((0, 2)) if up else luck.choice((0, 2, 3, None))
    return Rules(policies, select, window, luck.choice((None, None, 0.0, 0.25)))


def _value(luck: random.Random, metric: Metric, replicas: int) -> float | None:
    """Of all pods together, or of each for a metric of pods; often near the tolerance."""
    if luck.random() < 0.1:
        return None
    many = replicas if metric in {EACH, OBJECT_EACH} else 1
    value = metric.goal * luck.choice(_RATIOS) * many + luck.choice((-0.001, 0, 0.001))
    return max(0.0, round(value, 3))


def _pod(
    luck: random.Random,
    metrics: tuple[Metric, ...],
    values: tuple[float | None, ...],
    request: float,
) -> Pod:
    samples = tuple(
        None
        if value is None or not metric.is_of_pods or luck.random() < 0.2
        else Sample(_measured(luck, metric, value, request), window=luck.choice((15, 60)))
        for metric, value in zip(metrics, values, strict=True)
    )
    young = luck.random() < 0.3
    started = luck.choice((-200.0, -100.0)) if young else LONG_AGO
    return Pod(
        samples,
        phase=luck.choice((*[Phase.RUNNING] * 5, Phase.PENDING, Phase.FAILED)),
        ready=luck.choice((True, True, True, False, None)),
        started=luck.choice((started, started, started, None)),
        changed=started + luck.choice((5.0, 45.0, 90.0)),
        request=request,
    )


def _measured(luck: random.Random, metric: Metric, value: float, request: float) -> float:
    """Near the value, which for cpu is a percentage of what the pod requests."""
    mean = value * request / 100 if metric.source is Source.RESOURCE else value
    return round(mean * luck.choice((1.0, 1.0, 0.9, 1.1)), 3)
