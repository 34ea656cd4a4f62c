"""The rivals do what their sources say: tables, and the arrays against the scalar HPA."""

from typing import Any

import numpy as np
import pytest

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray
from hack.bench.autoscaler.hpa import Hpa, HpaSpec, Observed
from hack.bench.autoscaler.hpa_metrics import Fleet, Metric, Source, Target
from hack.bench.autoscaler.hpas import ByConcurrency, ByUsage
from hack.bench.autoscaler.keda import Keda
from hack.bench.autoscaler.kpa import Kpa
from hack.bench.autoscaler.policy import Maker
from hack.bench.autoscaler.seen import Seen
from hack.bench.autoscaler.service import Service
from hack.bench.autoscaler.world import SCRAPE, Lane, Setting
from hack.bench.autoscaler.wva import Wva

SETTING = Setting(Service(), np.zeros((1, 10), np.int64), 0, 60)


class Told(Seen):
    """A view with the numbers that a test wants."""

    def __init__(self, now: int, **told: Any) -> None:
        self._now = now
        self._told = {name: np.atleast_1d(np.asarray(value)) for name, value in told.items()}

    @property
    def now(self) -> int:
        return self._now

    def rate(self, window: int) -> FloatArray:  # noqa: ARG002
        return self._told["rate"].astype(np.float64)

    @property
    def usage(self) -> FloatArray:
        return self._told["usage"]

    @property
    def concurrency(self) -> FloatArray:
        return self._told["concurrency"].astype(np.float64)

    @property
    def backlog(self) -> FloatArray:
        return self._told["backlog"].astype(np.float64)

    def probed(self, window: int) -> FloatArray:
        return self._told["stable" if window == 60 else "panic"].astype(np.float64)

    @property
    def failed(self) -> BoolArray:
        return self._told.get("failed", np.zeros(len(self.ready), np.bool_))

    @property
    def reporting(self) -> FloatArray:
        return self._told.get("reporting", np.ones(len(self.ready)))

    @property
    def ready(self) -> IntArray:
        return self._told["ready"]

    @property
    def starting(self) -> IntArray:
        return self._told.get("starting", np.zeros(len(self.ready), np.int64))

    @property
    def desired(self) -> IntArray:
        return self._told.get("desired", self.ready + self.starting)


def lanes(*settings: float) -> list[Lane]:
    return [Lane("", setting, 60.0, 0) for setting in settings]


TARGETS = (0.35, 0.6, 0.9)


@pytest.mark.parametrize("signal", ["usage", "concurrency", "rate"])
def test_the_arrays_decide_as_the_model_that_agrees_with_the_controller(signal: str) -> None:
    draw = np.random.default_rng(3)
    kinds: dict[str, tuple[Maker, Source, Target, float]] = {
        "usage": (ByUsage, Source.RESOURCE, Target.UTILIZATION, 100.0),
        "concurrency": (ByConcurrency, Source.PODS, Target.AVERAGE_VALUE, 32.0),
        "rate": (Keda, Source.EXTERNAL, Target.AVERAGE_VALUE, 8.0),
    }
    make, source, target, unit = kinds[signal]
    many = make(lanes(*TARGETS), SETTING)
    goals = [unit * share for share in TARGETS]
    if signal == "usage":
        goals = [float(round(goal)) for goal in goals]
    single = [Hpa(HpaSpec((Metric(source, target, goal),), SETTING.most)) for goal in goals]
    desired, ready = np.full(3, 10), np.full(3, 10)
    load, moved = 100.0, 0
    for look in range(1500):
        load = float(np.clip(load * np.exp(draw.normal(0.0, 0.12)), 5.0, 400.0))
        failed = bool(draw.random() < 0.05)
        ready = np.minimum(ready + draw.integers(0, 3, 3), desired)
        starting = desired - ready
        valued = ready - draw.integers(0, 3, 3) * ready // 4 * (look % 3 == 0)
        reporting = valued / np.maximum(ready, 1)
        value = {
            "usage": np.minimum(load * 4 / (32 * np.maximum(ready, 1)), 1.0),
            "concurrency": np.rint(load * 4 * reporting),
            "rate": load * np.ones(3),
        }[signal]
        told = {signal: value, "ready": ready, "starting": starting, "desired": desired}
        told["reporting"] = reporting
        found = many.decide(Told(look * SCRAPE, failed=np.full(3, failed), **told))
        expected = []
        for lane, hpa in enumerate(single):
            mean = value[lane] if signal == "usage" else value[lane] / max(valued[lane], 1)
            known = not failed and (signal == "rate" or valued[lane] > 0)
            missing = int(ready[lane] - valued[lane])
            means = (mean if known else None,)
            fleet = Fleet(int(valued[lane]), int(starting[lane]), missing, means)
            total = float(value[lane]) if known and signal == "rate" else None
            seen = Observed(int(desired[lane]), int(desired[lane]), fleet, (total,))
            expected.append(hpa.step(float(look * SCRAPE), seen))
        assert found.tolist() == expected, look
        moved += int((found != desired).sum())
        desired = found
        ready = np.minimum(ready, desired)
    assert moved > 100


KPA_TABLE = [
    # ready, stable, panic, then what it asks for (target 0.70 of 32 = 22.4)
    pytest.param(4, 80.0, 80.0, 4, id="at target"),
    pytest.param(4, 90.0, 90.0, 5, id="rounded up"),
    pytest.param(4, 10.0, 10.0, 2, id="down by half at most"),
    pytest.param(5, 10.0, 10.0, 2, id="half is rounded down"),
    pytest.param(4, 90.0, 150.0, 5, id="twice as many are not wanted: no panic"),
    pytest.param(4, 90.0, 170.0, 8, id="panic at twice what is ready"),
    pytest.param(1, 90.0, 30.0, 5, id="in panic the larger of both"),
    pytest.param(0, 20.0, 20.0, 1, id="none counts as one"),
]


@pytest.mark.parametrize(("ready", "stable", "panic", "wanted"), KPA_TABLE)
def test_kpa(ready: int, stable: float, panic: float, wanted: int) -> None:
    kpa = Kpa(lanes(0.70), SETTING)
    kpa.decide(Told(0, ready=0, stable=1.0, panic=1.0))
    told = {"ready": ready, "stable": stable, "panic": panic}
    assert kpa.decide(Told(2, **told)).tolist() == [wanted]


def test_kpa_takes_nothing_away_in_panic_and_leaves_it_a_minute_after() -> None:
    kpa, calm = Kpa(lanes(0.70), SETTING), {"ready": 8, "stable": 60.0, "panic": 60.0}
    kpa.decide(Told(0, ready=0, stable=1.0, panic=1.0))
    assert kpa.decide(Told(2, ready=4, stable=90.0, panic=170.0)).tolist() == [8]
    assert [kpa.decide(Told(now, **calm))[0] for now in (4, 30, 62)] == [8, 8, 8]
    assert kpa.decide(Told(64, **calm)).tolist() == [4]


def test_kpa_begins_in_panic_at_its_size() -> None:
    kpa = Kpa(lanes(0.70), SETTING)
    assert kpa.decide(Told(0, ready=9, stable=0.0, panic=0.0)).tolist() == [9]
    assert kpa.decide(Told(62, ready=9, stable=0.0, panic=0.0)).tolist() == [4]


def test_kpa_with_a_delay_keeps_the_highest_of_it() -> None:
    kpa = Kpa(lanes(0.70), SETTING, delay=300)
    kpa.decide(Told(0, ready=1, stable=1.0, panic=1.0))
    found = [
        kpa.decide(Told(now, ready=4, stable=load, panic=load))[0]
        for now, load in [(2, 130.0)] + [(now, 70.0) for now in range(4, 306, 2)]
    ]
    assert found[:150] == [6] * 150
    assert found[150:] == [4] * 2


KEDA_TABLE = [
    pytest.param({"rate": 0.0}, 0, 0, id="idle from the start: none at once"),
    pytest.param({"rate": 5.0}, 0, 1, id="active: one, the HPA does the rest"),
    pytest.param({"rate": np.nan}, 0, 0, id="no value is 0"),
    pytest.param({"rate": 0.0, "failed": True}, 6, 6, id="a failed query changes nothing"),
    pytest.param({"rate": np.nan}, 6, 0, id="no value, adopted workload: none at once"),
    pytest.param({"rate": 60.0}, 6, 13, id="rate over target"),
    pytest.param({"rate": 30.0}, 6, 6, id="within tolerance"),
]


@pytest.mark.parametrize(("told", "ready", "wanted"), KEDA_TABLE)
def test_keda_that_may_go_to_zero(told: dict[str, Any], ready: int, wanted: int) -> None:
    keda = Keda(lanes(0.60), SETTING, fewest=0)
    assert keda.decide(Told(30, ready=ready, **told)).tolist() == [min(wanted, 2 * ready or 1)]


def test_keda_goes_to_zero_after_the_cooldown_whatever_the_hpa_holds() -> None:
    keda = Keda(lanes(0.60), SETTING, fewest=0)
    keda.decide(Told(0, ready=6, rate=30.0))
    assert keda.decide(Told(300, ready=6, rate=np.nan)).tolist() == [6]
    assert keda.decide(Told(330, ready=6, rate=np.nan)).tolist() == [0]


def test_keda_with_a_minimum_takes_a_null_for_idleness_all_the_same() -> None:
    keda = Keda(lanes(0.60), SETTING)
    keda.decide(Told(0, ready=6, rate=30.0))
    nulls = [keda.decide(Told(now, ready=6, rate=np.nan))[0] for now in range(15, 331, 15)]
    assert nulls == [6] * 20 + [1] * 2


WVA_TABLE = [
    pytest.param({"usage": 0.75, "backlog": 0}, 5, id="spare use gone: one up"),
    pytest.param({"usage": 0.75, "backlog": 0, "starting": 1}, 5, id="none up while one starts"),
    pytest.param({"usage": 0.30, "backlog": 12}, 5, id="spare queue gone: one up"),
    pytest.param({"usage": 0.60, "backlog": 0}, 4, id="one fewer would not do"),
    pytest.param({"usage": 0.45, "backlog": 0}, 3, id="one fewer would do"),
    pytest.param({"usage": np.nan, "backlog": 0}, 4, id="no value: nothing"),
]


@pytest.mark.parametrize(("told", "wanted"), WVA_TABLE)
def test_wva(told: dict[str, Any], wanted: int) -> None:
    wva = Wva(lanes(0.80), SETTING)
    assert wva.decide(Told(60, ready=4, **told)).tolist() == [wanted]
    assert wva.decide(Told(75, ready=4, **told)).tolist() == [4 + told.get("starting", 0)]
