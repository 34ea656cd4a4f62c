"""What the demo shows at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import Happening, ModelCanaryStatus


@dataclass(frozen=True)
class Arm:
    """One arm as its callers see it; rates are per second, ``weight`` is Envoy's, in percent."""

    version: str
    weight: int
    answers: int = 0
    bad: int = 0
    rate: float = 0.0
    bad_rate: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One look: the act's title, seconds since the traffic began, both arms, and the canary."""

    title: str
    seconds: float
    arms: Mapping[str, Arm]
    spec: ModelCanarySpec
    status: ModelCanaryStatus
    events: tuple[tuple[float, Happening], ...] = ()
    """What was told so far with its second, oldest first."""
