"""What outlooks would have said in the past, at every minute of a history at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.readings import FloatArray
from controllers.stats.forecast.bins import from_log
from controllers.stats.forecast.conformal import IntArray
from controllers.stats.forecast.gate import REFRESH, Record, record
from controllers.stats.forecast.models import Track, track
from controllers.stats.forecast.outlook import check


@dataclass(frozen=True, eq=False)
class Outlooks:
    """The bounds at every minute of a history, as each was known then."""

    upper: FloatArray
    """(horizons, levels, minutes) requests/s; NaN where not trusted."""
    model: IntArray
    """(horizons, minutes): the place of the model in use in ``names``."""
    names: tuple[str, ...]


def outlooks(
    rates: FloatArray, start: int, horizons: Sequence[int], levels: Sequence[float]
) -> Outlooks:
    """What ``outlook`` would have said at the end of each minute, for several levels at once."""
    uppers, places = [], []
    names: tuple[str, ...] = ()
    for horizon in horizons:
        check(rates, horizon)
        one, _ = track(rates, start, horizon)
        seen = record(one)
        minutes = np.arange(start, start + len(rates), dtype=np.int64)
        looks = minutes // REFRESH - seen.first
        places.append(seen.chosen[looks])
        uppers.append(_uppers(one, seen, looks, np.asarray(levels, dtype=np.float64)))
        names = tuple(model.name for model in one.models)
    return Outlooks(np.array(uppers), np.array(places), names)


def _uppers(one: Track, seen: Record, looks: IntArray, levels: FloatArray) -> FloatArray:
    upper = np.full((len(levels), len(looks)), np.nan)
    for place, model in enumerate(one.models):
        wanted = np.flatnonzero(seen.chosen == place)
        found = np.full((len(seen.chosen), len(levels)), np.nan)
        found[wanted] = seen.errors[place].quantiles((wanted + seen.first) * REFRESH, levels)
        here = seen.chosen[looks] == place
        logs = model.centre[here] + found[looks[here]].T * model.scale[here]
        upper[:, here] = from_log(np.minimum(logs, one.ceiling[here]))
    return upper
