"""A script: what an autoscaler is shown, look by look, whatever the number it has come to."""

from collections.abc import Callable
from dataclasses import dataclass

from hack.bench.autoscaler.hpa import HpaSpec
from hack.bench.autoscaler.hpa_metrics import Pod


@dataclass(frozen=True)
class Scene:
    """The world at one look.

    ``values`` are of Object and External metrics as of ``Observed``; ``surge`` pods are in
    ``status.replicas`` beyond the ``spec.replicas``; ``overwritten`` is what another writer made of
    these before the look. Times of pods are seconds since the script began.
    """

    pods: tuple[Pod, ...] = ()
    values: tuple[float | None, ...] = (None, None)
    surge: int = 0
    overwritten: int | None = None


@dataclass(frozen=True)
class Script:
    """``scene(look, replicas)`` is what the look of that number sees, with the replicas so far."""

    name: str
    spec: HpaSpec
    looks: int
    scene: Callable[[int, int], Scene]
    replicas: int = 4
    """What there is before the first look."""

    @property
    def durations(self) -> frozenset[float]:
        """The windows and periods in seconds: at their ends the instant of a look decides."""
        behavior = self.spec.behavior
        if behavior is None:
            return frozenset({self.spec.downscale_stabilization})
        rules = (behavior.up, behavior.down)
        windows = {rule.window or 0 for rule in rules}
        periods = {policy.period for rule in rules for policy in rule.policies}
        if behavior.down.window is None:
            windows.add(int(self.spec.downscale_stabilization))
        return frozenset(float(length) for length in windows | periods if length)
