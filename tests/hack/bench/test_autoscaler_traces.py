"""Arrivals drawn anew keep the rate, the bursts and the gaps of what was recorded."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from hack.bench.autoscaler import traces
from hack.bench.autoscaler.traces import WINDOW, Window


def clients(cv: float, number: int = 40, *, weibull: bool = False) -> Window:
    every = np.ones(number)
    return Window(5.0 * every, cv * every, np.full(number, weibull))


@pytest.mark.parametrize("weibull", [False, True])
@pytest.mark.parametrize("cv", [0.5, 1.0, 3.0])
def test_counts_are_as_bursty_as_the_times_between_requests(cv: float, *, weibull: bool) -> None:
    """Over times much longer than one between requests, the dispersion is the cv squared."""
    counts = traces.arrivals([clients(cv, weibull=weibull)] * 40, seed=1)
    assert counts.sum() == 40 * 40 * 5 * WINDOW
    by_window = counts.reshape(40, -1, 20).sum(axis=2)
    assert by_window.var(axis=1).mean() / by_window.mean() == pytest.approx(cv**2, rel=0.2)


def test_a_share_of_the_requests_is_less_bursty_and_more_clients_are_as_bursty() -> None:
    bursty = clients(3.0)
    assert bursty.scaled(0.25).cv == pytest.approx(np.sqrt(0.25 * 9.0 + 0.75))
    assert bursty.scaled(4.0).cv == pytest.approx(3.0)
    thinned = np.random.default_rng(1).binomial(traces.arrivals([bursty] * 40, seed=1), 0.25)
    drawn = traces.arrivals([bursty.scaled(0.25)] * 40, seed=2)
    found = [one.reshape(40, -1, 20).sum(axis=2).var(axis=1).mean() for one in (thinned, drawn)]
    assert found[0] == pytest.approx(found[1], rel=0.2)


def test_no_burst_is_tied_to_the_edge_of_a_window() -> None:
    counts = traces.arrivals([clients(3.0)] * 200, seed=4).reshape(200, WINDOW)
    assert counts[:, :10].sum() == pytest.approx(counts[:, 295:305].sum(), rel=0.15)


def test_the_same_seed_gives_the_same_requests() -> None:
    first, again, other = (traces.arrivals([clients(2.0)], seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_gap_in_the_collection_is_a_straight_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["client,t,rate,cv,dist,p1,p2", "0,0,10,1,Gamma,1,1", "0,1200,0.1,1,Gamma,1,1"]
    rows += ["1,1800,40,2,Weibull,1,1"]
    with gzip.open(tmp_path / "servegen_x_clients.csv.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    monkeypatch.setenv("TRACES_DIR", str(tmp_path))
    rates = [one.rate.sum() for one in traces.servegen("x", 25.0)]
    assert rates == pytest.approx([10.0, 20.0, 30.0, 40.0])


def test_a_missing_folder_says_where_the_traces_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACES_DIR", "/nowhere")
    with pytest.raises(FileNotFoundError, match=r"TRACES_DIR.*ServeGen"):
        traces.folder()
