"""How cautious a plan is: what is planned for follows the share of requests that kept the SLO."""

import math
from dataclasses import dataclass

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec, Role
from controllers.api.inferenceautoscaler.status import Demand

LOWEST, HIGHEST = 0.8, 0.95
"""Between them lies the probability. Beyond, a few odd hours make the bound of a forecast, and to
keep some more of the demand ready is cheaper for the same share of requests in time."""
MOST = 2.0
"""No reserve is more: answers that are late for another reason than load are not helped by it."""
STEEPNESS = 0.3
"""The reserve grows as the risk falls, to this power: a tenth of the risk, twice the demand."""
AIM = 0.8
"""The share of the allowed misses that is aimed at: minutes are counted here, and what was promised
are requests, of which there are more in the minutes that miss."""
PACE = 86400.0
"""Seconds without a miss in which the risk grows e-fold: a day, so that all its hours count."""

_TAIL = 1.0 - HIGHEST


@dataclass(frozen=True, slots=True)
class Caution:
    """What is planned for."""

    quantile: float
    """The probability with which demand is to stay below the bound of the forecast."""
    reserve: float = 1.0
    """The multiple of the demand now that is kept ready whatever the forecast says."""

    @property
    def risk(self) -> float:
        """One number for both, which falls as the caution grows."""
        return (1.0 - self.quantile) * math.pow(self.reserve, -1.0 / STEEPNESS)


_LEAST = Caution(HIGHEST, MOST).risk


def follow(now: Caution, met: float | None, objective: float, elapsed: float) -> Caution:
    """The caution for the next decision, from the share of requests that met the limit now.

    Online control of a risk (Gibbs and Candes, 2021), on its logarithm: in ``elapsed`` seconds it
    grows by what is aimed at and shrinks by what missed, as shares of the former, so that in the
    long run as many miss as are aimed at. What is not known changes nothing.
    """
    risk = now.risk
    if met is not None:
        missed = (1.0 - met) / (AIM * (1.0 - objective))
        risk *= math.exp(elapsed / PACE * (1.0 - missed))
    risk = min(max(risk, _LEAST), 1.0 - LOWEST)
    return Caution(1.0 - max(risk, _TAIL), math.pow(max(_TAIL / risk, 1.0), STEEPNESS))


def cautious(
    known: Demand, spec: InferenceAutoscalerSpec, met: float | None, elapsed: float
) -> Demand:
    """``known`` with the caution for now: the spec's, unless a Latency signal judges it."""
    now = Caution(spec.forecast.quantile)
    if any(one.role is Role.LATENCY for one in spec.signals):
        first = min(known.quantile or now.quantile, HIGHEST)
        now = follow(Caution(first, known.reserve or 1.0), met, spec.slo.objective, elapsed)
    reserve = now.reserve if now.reserve > 1.0 else None
    return known.model_copy(update={"quantile": now.quantile, "reserve": reserve})
