"""The scripts of the validation, each for one part of what the controller does."""

import math
from collections.abc import Sequence
from dataclasses import replace

from hack.bench.autoscaler.hpa import HpaSpec
from hack.bench.autoscaler.hpa_behavior import DOWN, UP, Behavior, Change, Policy, Rules, Select
from hack.bench.autoscaler.hpa_metrics import Metric, Phase, Pod, Sample, Source, Target
from hack.bench.autoscaler.real.script import Scene, Script

STABLE = 3
"""Seconds of --horizontal-pod-autoscaler-downscale-stabilization in the validation, for 300."""
VALUE = Metric(Source.EXTERNAL, Target.VALUE, 10)
EACH = Metric(Source.EXTERNAL, Target.AVERAGE_VALUE, 10)
IN_FLIGHT = Metric(Source.PODS, Target.AVERAGE_VALUE, 10)
CPU = Metric(Source.RESOURCE, Target.UTILIZATION, 50)
CPU_BEYOND = replace(CPU, goal=120)
OBJECT = Metric(Source.OBJECT, Target.VALUE, 10)
OBJECT_EACH = Metric(Source.OBJECT, Target.AVERAGE_VALUE, 10)
LONG_AGO = -3600.0
FEW = 8
"""As many pods as a script makes; a larger fleet is told by its replicas alone."""


def spec(
    *metrics: Metric, behavior: Behavior | None = None, fewest: int = 1, most: int = 40
) -> HpaSpec:
    """A specification under the flags of the validation."""
    return HpaSpec(metrics, most, fewest, behavior=behavior, downscale_stabilization=float(STABLE))


def pods(*values: float | None, index: int = 0, metrics: int = 1) -> tuple[Pod, ...]:
    """Pods that have long been ready, with these values of one metric; None has no value."""
    return tuple(
        Pod(
            tuple(
                None if value is None or place != index else Sample(value)
                for place in range(metrics)
            ),
            started=LONG_AGO,
            changed=LONG_AGO + 60,
        )
        for value in values
    )


def starting(value: float | None) -> Pod:
    """A running pod that began twenty seconds before the script and is not ready."""
    return pods(value)[0]._replace(ready=False, started=-20.0, changed=-20.0)


def pending(value: float | None = None) -> Pod:
    return pods(value)[0]._replace(phase=Phase.PENDING, ready=False, started=None)


def _cycled(values: Sequence[float | None], look: int) -> float | None:
    return values[look % len(values)]


def _ramp(look: int, _: int) -> Scene:
    return Scene(values=(200.0 * math.sin(math.pi * look / 14.0) ** 2,))


def _spike(look: int, replicas: int) -> Scene:
    each = (40.0 if 4 <= look < 9 else 5.0) * 4 / max(1, replicas)
    return Scene(pods(*[each] * min(replicas, FEW)))


def _noise(look: int, _: int) -> Scene:
    near = (0.9, 0.899, 0.901, 1.0, 1.1, 1.101, 1.099, 0.7, 0.699, 1.0001)
    return Scene(pods(*[1.0] * 4), (10.0 * near[look % len(near)],), overwritten=4)


def _unready(look: int, _: int) -> Scene:
    """Half of the pods not counted, with the others above, at and below the target."""
    used = _cycled((0.9, 0.6, 0.55, 0.5, 0.3, 0.1, 1.5), look) or 0.0
    kind = (starting(2.0), pending(2.0), starting(None))[look // 7 % 3]
    return Scene(pods(*[used] * 3) + (kind,) * 2, overwritten=5)


def _readiness(look: int, _: int) -> Scene:
    """One pod of four in every state in which the cpu of a pod counts or not."""
    used = 0.7 if look < 12 else 0.3
    usual, odd = pods(used, used, used), pods(used)[0]
    states = (
        odd._replace(ready=False),
        odd._replace(ready=False, started=LONG_AGO, changed=LONG_AGO + 5),
        odd._replace(ready=False, started=LONG_AGO, changed=LONG_AGO + 29),
        odd._replace(ready=False, started=LONG_AGO, changed=LONG_AGO + 31),
        odd._replace(started=-100.0, changed=-90.0),
        odd._replace(started=-100.0, changed=-30.0),
        odd._replace(started=-100.0, changed=-10.0, samples=(Sample(used, window=5),)),
        odd._replace(ready=None),
        odd._replace(started=None),
        odd._replace(phase=Phase.FAILED),
        odd._replace(phase=Phase.SUCCEEDED, samples=(None,)),
        odd._replace(deleting=True),
    )
    return Scene((*usual, states[look % len(states)]), overwritten=4)


def _missing(look: int, _: int) -> Scene:
    used = _cycled((20.0, 12.0, 10.0, 8.0, 2.0, None), look)
    odd = (pods(None), (pending(),), (pending(used),), (starting(used),))[look // 6 % 4]
    return Scene(pods(used, used, None) + odd, overwritten=4)


def _missing_cpu(look: int, _: int) -> Scene:
    used = _cycled((1.0, 0.6, 0.5, 0.4, 0.1, None), look)
    return Scene(pods(used, used, None, *[None] * (look // 6)), overwritten=4)


def _turned(look: int, _: int) -> Scene:
    """The pods that there are ask for a number on the other side of the one that is written."""
    return (
        Scene(pods(8.0, 8.0, 8.0, None, None), overwritten=2),
        Scene(pods(20.0, 20.0, None), overwritten=10),
        Scene(pods(20.0, 20.0, None), overwritten=3),
    )[look % 3]


def _whole(look: int, _: int) -> Scene:
    """Within the tolerance only once per cent and thousandths are cut to whole numbers, and not."""
    nothing = (0.0, 0.0, 0.0)
    used, each = (
        ((0.555, 0.555, 0.555), nothing),
        ((0.56, 0.56, 0.56), nothing),
        (nothing, (11.0, 11.0, 11.002)),
        (nothing, (11.0, 11.0, 11.003)),
    )[look % 4]
    usual = pods(0.0)[0]
    samples = [(Sample(cpu), Sample(one)) for cpu, one in zip(used, each, strict=True)]
    return Scene(tuple(usual._replace(samples=both) for both in samples), overwritten=3)


def _serving(look: int, _: int) -> Scene:
    """Which pods an External value is multiplied by."""
    usual, odd = pods(1.0, 1.0), pods(1.0)[0]
    states = (
        (odd._replace(ready=False),),
        (odd._replace(ready=None),),
        (odd._replace(phase=Phase.PENDING),),
        (odd._replace(phase=Phase.SUCCEEDED),),
        (odd._replace(deleting=True),),
        (odd,),
    )
    found = usual + states[look // 2 % len(states)] if look < 12 else ()
    return Scene(found, (14.0 if look % 2 else 7.0,), overwritten=4)


def _stabilised(look: int, _: int) -> Scene:
    wave = (100.0, 100.0, 40.0, 40.0, 40.0, 40.0, 70.0, 40.0, 40.0, 40.0, 40.0, 40.0, 40.0, 40.0)
    return Scene(values=(_cycled(wave, look),))


def _steps(look: int, _: int) -> Scene:
    return Scene(values=(400.0 if look // 12 % 2 == 0 else 10.0,))


def _forgotten(look: int, _: int) -> Scene:
    """Up twice, then down while the first of these should still count, if it were remembered."""
    return Scene(values=(400.0 if look % 8 < 3 else 10.0,))


def _overwritten(look: int, _: int) -> Scene:
    """Another writer after a change, so that its period seems to have begun below or above."""
    turn = look % 10
    return Scene(
        values=(400.0 if turn < 5 else 1.0,), overwritten={0: 10, 2: 12, 5: 20, 7: 4}.get(turn)
    )


def _one_invalid(look: int, _: int) -> Scene:
    both: Sequence[tuple[float | None, float | None]] = (
        (40.0, 40.0),
        (80.0, None),
        (None, 30.0),
        (None, None),
        (20.0, None),
        (None, 200.0),
        (20.0, 30.0),
    )
    return Scene(values=both[look % len(both)], overwritten=4)


def _surge(look: int, _: int) -> Scene:
    """A rolling update: more pods than are asked for, while the load stays as it is."""
    more = (0, 1, 2, 0, 3, -1)[look % 6]
    return Scene(values=(_cycled((45.0, 45.0, 38.0, 62.0), look // 3),), surge=more, overwritten=4)


def _surge_value(look: int, _: int) -> Scene:
    more = (0, 1, 2, 0)[look % 4]
    value = 14.0 if look < 6 else 7.0
    return Scene(pods(*[1.0] * (4 + more)), (value,), surge=more, overwritten=4)


def _zero(look: int, _: int) -> Scene:
    value = 30.0 if look < 3 else 0.0 if look < 14 else 25.0
    overwritten = {18: 0, 20: 2}.get(look)
    return Scene(values=(value,), overwritten=overwritten)


def _zero_value(look: int, replicas: int) -> Scene:
    """With a target of type Value, which asks the pods that serve unless there are none."""
    value = 10.0 if look < 3 else 0.0 if look < 12 else 25.0
    return Scene(pods(*[1.0] * min(replicas, FEW)), (value,))


def _limits(look: int, _: int) -> Scene:
    overwritten = {2: 20, 5: 1, 8: 0, 10: 3, 12: 30}.get(look)
    value = None if look % 2 else (60.0, 300.0, 5.0)[look // 6]
    return Scene(values=(value,), overwritten=overwritten)


def _object(look: int, _: int) -> Scene:
    values = (5.0, 11.0, 11.5, 30.0, 0.0, None, 9.0)
    both = _cycled(values, look), _cycled((40.0, 50.0, None), look)
    return Scene(pods(*[1.0] * 3), both, overwritten=4)


BARE = Behavior(
    Rules((Policy(Change.PODS, 1000, 2),), window=0),
    Rules((Policy(Change.PERCENT, 100, 2),), window=0),
)
"""Holds nothing back: what is written is what the metrics ask for."""
_PODS_UP = replace(UP, policies=(Policy(Change.PODS, 3, 2),))
_SLOW = Behavior(
    Rules((Policy(Change.PODS, 2, 2), Policy(Change.PERCENT, 50, 2)), window=0),
    Rules((Policy(Change.PODS, 3, 2), Policy(Change.PERCENT, 20, 3)), Select.MIN, window=0),
)
_FORGETFUL = Behavior(_PODS_UP, Rules((Policy(Change.PODS, 1, 4),), window=0))
_HALVES = Behavior(
    Rules((Policy(Change.PODS, 30, 3), Policy(Change.PERCENT, 100, 3)), Select.MIN, window=0),
    Rules((Policy(Change.PERCENT, 50, 3),), window=0),
)
_STABLE_BOTH = Behavior(replace(UP, window=2), replace(DOWN, window=4))
_TOLERANT = Behavior(replace(BARE.up, tolerance=0.0), replace(BARE.down, tolerance=0.3))
_NO_WAY_DOWN = Behavior(_PODS_UP, Rules(DOWN.policies, Select.DISABLED))

SCRIPTS: tuple[Script, ...] = (
    Script("ramp", spec(EACH), 28, _ramp),
    Script("ramp, with an empty behavior", spec(EACH, behavior=Behavior()), 28, _ramp),
    Script("spike", spec(IN_FLIGHT), 24, _spike),
    Script("noise around the tolerance", spec(VALUE, behavior=BARE), 16, _noise),
    Script("unready pods, up and down", spec(CPU, behavior=BARE), 21, _unready, replicas=5),
    Script("readiness of cpu", spec(CPU, behavior=BARE), 24, _readiness),
    Script("missing metrics", spec(IN_FLIGHT, behavior=BARE), 24, _missing),
    Script("missing cpu", spec(CPU, behavior=BARE), 18, _missing_cpu),
    Script("missing cpu, target 120 %", spec(CPU_BEYOND, behavior=BARE), 18, _missing_cpu),
    Script("numbers on the other side", spec(IN_FLIGHT, behavior=BARE), 6, _turned),
    Script("whole numbers", spec(CPU, IN_FLIGHT, behavior=BARE), 8, _whole),
    Script("pods that serve", spec(VALUE, behavior=BARE), 14, _serving),
    Script("stabilised down", spec(EACH), 28, _stabilised, replicas=10),
    Script("two windows", spec(EACH, behavior=_STABLE_BOTH), 28, _stabilised, replicas=5),
    Script("policies", spec(EACH, behavior=_SLOW), 30, _steps),
    Script("no way down", spec(EACH, behavior=_NO_WAY_DOWN), 20, _steps),
    Script("forgotten changes", spec(EACH, behavior=_FORGETFUL), 24, _forgotten),
    Script("another writer", spec(EACH, behavior=_HALVES), 20, _overwritten),
    Script("a tolerance each", spec(VALUE, behavior=_TOLERANT), 16, _noise),
    Script("one of two invalid", spec(EACH, EACH, behavior=BARE), 21, _one_invalid),
    Script("surge pods, average", spec(EACH, behavior=BARE), 12, _surge),
    Script("surge pods, value", spec(VALUE, behavior=BARE), 12, _surge_value),
    Script("to zero and back", spec(EACH, fewest=0), 24, _zero),
    Script("to zero and back, value", spec(VALUE, fewest=0), 24, _zero_value),
    Script("beyond the limits", spec(EACH, fewest=2, most=10), 18, _limits),
    Script("beyond, with behavior", spec(EACH, behavior=BARE, fewest=2, most=10), 18, _limits),
    Script("object metrics", spec(OBJECT, OBJECT_EACH, behavior=BARE), 21, _object),
)
