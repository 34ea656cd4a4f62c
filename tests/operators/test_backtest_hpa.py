"""The HPA that a back-test compares with decides as the exact model of the benchmark does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.stats.hpa import Hpa
from hack.bench.autoscaler.hpa import Hpa as Exact
from hack.bench.autoscaler.hpa import HpaSpec, Observed
from hack.bench.autoscaler.hpa_metrics import Metric, Source, Target

DEMANDS = st.lists(
    st.one_of(st.none(), st.floats(0, 400, allow_nan=False), st.integers(0, 60).map(float)),
    min_size=1,
    max_size=80,
)


@given(
    demands=DEMANDS,
    target=st.floats(0.05, 20),
    least=st.integers(1, 4),
    spread=st.integers(0, 40),
    first=st.integers(0, 50),
    seconds=st.sampled_from([15, 60, 301]),
)
def test_it_is_the_exact_model_where_replicas_share_a_demand(
    demands: list[float | None],
    target: float,
    least: int,
    spread: int,
    first: int,
    seconds: int,
) -> None:
    metric = Metric(Source.EXTERNAL, Target.AVERAGE_VALUE, target)
    exact = Exact(HpaSpec((metric,), max_replicas=least + spread, min_replicas=least))
    ours = Hpa(target, least, least + spread)
    current = first
    for look, demand in enumerate(demands):
        now = float(look * seconds)
        wanted = exact.step(now, Observed(current, current, (), (demand,)))
        assert ours.look(now, current, demand) == wanted
        current = wanted


def test_a_target_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"target is 0\.0, it must be a number of requests/s"):
        Hpa(0.0, 1, 2)
