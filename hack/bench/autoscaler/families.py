"""The autoscalers that are compared, with their settings."""

from functools import partial

from hack.bench.autoscaler.hpas import ByConcurrency, ByUsage
from hack.bench.autoscaler.keda import Keda
from hack.bench.autoscaler.kpa import Kpa
from hack.bench.autoscaler.ours import Ours
from hack.bench.autoscaler.policy import Family
from hack.bench.autoscaler.wva import Wva

TARGETS = tuple(round(0.35 + 0.05 * step, 2) for step in range(12))
"""0.35 to 0.90."""

HPA_USAGE = Family("HPA utilisation", ByUsage, (0.60,), TARGETS)
HPA_CONCURRENCY = Family("HPA concurrency", ByConcurrency, (0.60,), TARGETS)
KEDA = Family("KEDA rate", Keda, (0.60,), TARGETS)
KPA = Family("Knative KPA", Kpa, (0.70,), TARGETS)
KPA_DELAYED = Family("Knative KPA, 300 s delay", partial(Kpa, delay=300), (0.70,), TARGETS)
WVA = Family("WVA rule", Wva, (0.80,), TARGETS)

STATIC = "static peak"
"""Always what the peak needs, as the clairvoyant counts it."""

RIVALS = (HPA_USAGE, HPA_CONCURRENCY, KEDA, KPA, KPA_DELAYED, WVA)

CHAOS = (
    Family(HPA_USAGE.name, ByUsage, (0.60,)),
    Family(HPA_CONCURRENCY.name, ByConcurrency, (0.60,)),
    Family(KEDA.name, Keda, (0.60,)),
    Family("KEDA rate, minimum 0", partial(Keda, fewest=0), (0.60,)),
)
"""Those that look through Prometheus, as they come."""

OBJECTIVES = (0.99, 0.995)
OURS = Family("Modelyard", Ours, OBJECTIVES)
"""The autoscaler of this project; its setting is the objective."""
