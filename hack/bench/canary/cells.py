"""One cell: the same runs shown to every judge."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.api.modelcanary.spec import GuardrailType
from controllers.modelcanary.bounds import FLOOR, MARGIN, TOLERANCE
from controllers.readings import FloatArray
from controllers.stats.evidence import Bounds
from hack.bench.canary import kayenta, ours, ztest
from hack.bench.canary.measures import harm
from hack.bench.canary.ramp import Ramp
from hack.bench.canary.rules import Rule, Seen
from hack.bench.canary.simulate import Setting, Truth, simulate

ALPHAS = (0.05, 0.01)
BETA = 0.05
KAYENTA, Z_TEST = "Kayenta", "z-test at 5 %, each minute"


@dataclass(frozen=True)
class Limits:
    """A setting of our judge."""

    tolerance: float = TOLERANCE
    floor: float = FLOOR[GuardrailType.ERROR_RATE]

    def name(self, alpha: float) -> str:
        """What it is called in the tables."""
        floor = f"floor {100 * self.floor:g} %" if self.floor else "no floor"
        return f"ours, alpha {alpha:g}, tolerance {self.tolerance:.1f}, {floor}"

    @property
    def bounds(self) -> Bounds:
        """The limits as the operator's evidence takes them."""
        return Bounds(self.tolerance, MARGIN[GuardrailType.ERROR_RATE], self.floor)


DEFAULT = Limits()
SHARP = Limits(1.0)
EVERY = (DEFAULT, Limits(floor=0.0), SHARP, Limits(1.0, 0.0))


@dataclass(frozen=True, eq=False)
class Cell:
    """What every judge said of the same runs."""

    setting: Setting
    ramp: Ramp
    truth: Truth
    found: dict[str, FloatArray]
    """By judge: minutes to the rollback of each run; inf: none."""
    certified: dict[Limits, FloatArray]
    """Minutes to our certificate; inf: none."""

    def harm(self, judge: str) -> float:
        """The bad answers that the ratio added until the rollback, in the mean."""
        found = self.found[judge]
        return harm(self.truth.excess, found, self.ramp.tick, self.ramp.offset)

    def before(self, judge: str) -> FloatArray:
        """Whether each run was rolled back before there was a fault."""
        early: FloatArray = (self.found[judge] < self.truth.onset).astype(np.float64)
        return early

    def delay(self, judge: str) -> FloatArray:
        """Minutes from the fault to the rollback, of the runs that were still going on then."""
        found, onset = self.found[judge], self.truth.onset
        delay: FloatArray = (found - onset)[found >= onset]
        return delay


def cell(
    setting: Setting,
    ramp: Ramp,
    runs: int,
    seed: int,
    limits: Sequence[Limits],
    rules: Sequence[Rule] = (),
    *,
    classical: bool = True,
) -> Cell:
    """Simulate the runs of one setting and show them to the judges.

    ``classical`` adds Kayenta's judge and the z-test. The same seed and setting give the same runs.
    """
    named = f"{setting.world.name} {setting.traffic} {setting.base} {setting.ratio} {ramp.ticks}"
    draw = np.random.default_rng([seed, zlib.crc32(named.encode())])
    truth, scraped = simulate(draw, setting, ramp, runs)
    seen = Seen(scraped)
    found = {rule.name: rule.found(seen) for rule in rules}
    if classical:
        found |= {KAYENTA: kayenta.found(seen), Z_TEST: ztest.found(seen)}
    series, certified = ours.blocks(scraped), {}
    for one in limits:
        verdict = ours.judge([(series, one.bounds)], ramp, runs, ALPHAS, (BETA,))
        found |= {one.name(alpha): when for alpha, when in verdict.rollback.items()}
        certified[one] = verdict.certified[BETA]
    return Cell(setting, ramp, truth, found, certified)
