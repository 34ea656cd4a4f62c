"""The report: every table of the study, as a page."""

from collections.abc import Sequence

import numpy as np

from controllers.readings import FloatArray
from hack.bench.canary import targets
from hack.bench.canary.cells import ALPHAS, DEFAULT, EVERY, KAYENTA, Z_TEST, Cell
from hack.bench.canary.measures import quantile, share
from hack.bench.canary.rules import DOCUMENTED
from hack.bench.canary.study import BASE, PLAIN, RATIOS, TRAFFIC, Study
from hack.bench.canary.tables import NEVER, bounded, detection, minutes, percent, table

OURS = tuple(limits.name(alpha) for limits in EVERY for alpha in ALPHAS)
SAFE = 0.05


def judges(study: Study) -> list[str]:
    """All judges in the order of the tables."""
    return [*(rule.name for rule in study.rules), KAYENTA, Z_TEST, *OURS]


def sections(study: Study) -> dict[str, str]:
    """The tables by the name under which the page calls for them."""
    return {
        "targets": targets.show(targets.targets(study)),
        "nulls": _shares(study, study.nulls),
        "beyond": _shares(study, study.beyond),
        "faults": _faults(study),
        "harm": _harm(study),
        "sweep": _sweep(study),
        "traffic": _traffic(study),
        "grid": _grid(study),
        "promoted": _promoted(study),
        "certificates": _certificates(study),
        "late": _late(study),
        "latency": _latency(study),
        "outage": _outage(study),
    }


def _shares(study: Study, cells: Sequence[Cell]) -> str:
    header = ["judge", *(cell.setting.world.name for cell in cells)]
    rows = [
        [judge, *(bounded(share(cell.found[judge])) for cell in cells)] for judge in judges(study)
    ]
    return table(header, rows)


def _faults(study: Study) -> str:
    header = ["judge", *(f"{cell.setting.ratio:g}x" for cell in study.faults)]
    rows = [
        [judge, *(detection(cell.found[judge]) for cell in study.faults)] for judge in judges(study)
    ]
    return table(header, rows)


def _harm(study: Study) -> str:
    header = ["judge", *(f"{cell.setting.ratio:g}x" for cell in study.faults)]
    rows = [
        [judge, *(f"{cell.harm(judge):.0f}" for cell in study.faults)] for judge in judges(study)
    ]
    return table(header, rows)


def _sweep(study: Study) -> str:
    twice = study.fault(2.0)
    rows = []
    for best in study.best:
        for kind, rule in (("quiet", best.quiet), ("sharp", best.sharp)):
            worst = max(share(cell.found[rule.name]).value for cell in study.nulls)
            setting = [f"{best.family}, {kind} (of {best.tried})", rule.name]
            rows.append([*setting, percent(worst), detection(twice.found[rule.name])])
    ours = DEFAULT.name(ALPHAS[0])
    worst = max(share(cell.found[ours]).value for cell in study.nulls)
    rows.append(["not swept", ours, percent(worst), detection(twice.found[ours])])
    return table(["family", "setting", "worst null world", "2x: found, median / p95 min"], rows)


def _of(study: Study, traffic: float, base: float, judge: str) -> tuple[float, list[Cell]]:
    """The worst null world of one judge at one traffic and base rate, and the cells of faults."""
    cells = [
        cell for cell in study.grid if (cell.setting.traffic, cell.setting.base) == (traffic, base)
    ]
    nulls = [cell for cell in cells if cell.setting.ratio == 1.0]
    worst = max(share(cell.found[judge]).value for cell in nulls)
    return worst, [cell for cell in cells if cell.setting.ratio > 1.0]


def _traffic(study: Study) -> str:
    header = ["judge", *(f"{traffic:g} rps" for traffic in TRAFFIC)]
    names = [*(rule.name for rule in study.rules), KAYENTA, Z_TEST]
    names += [limits.name(ALPHAS[0]) for limits in (DEFAULT, PLAIN)]
    rows = []
    for judge in names:
        row = [judge]
        for traffic in TRAFFIC:
            worst, faults = _of(study, traffic, BASE, judge)
            twice = faults[RATIOS.index(2.0)].found[judge]
            row.append(f"{percent(worst)}; {percent(share(twice).value)}, {_median(twice)}")
        rows.append(row)
    return table(header, rows)


def _median(found: FloatArray) -> str:
    return minutes(quantile(found, 0.5))


def _grid(study: Study) -> str:
    header = ["base", "rps", "judge", "worst null", *(f"{ratio:g}x" for ratio in RATIOS)]
    names = [*(rule.name for rule in DOCUMENTED), KAYENTA, DEFAULT.name(0.05), PLAIN.name(0.05)]
    rows = []
    for base in study.size.bases:
        for traffic in TRAFFIC:
            for judge in names:
                worst, faults = _of(study, traffic, base, judge)
                found = [cell.found[judge] for cell in faults]
                shown = [f"{percent(share(one).value)}, {_median(one)}" for one in found]
                rows.append([percent(base), f"{traffic:g}", judge, percent(worst), *shown])
    return table(header, rows)


def _promoted(study: Study) -> str:
    """How many bad releases get all of the traffic."""
    bad = [cell for cell in study.faults if cell.setting.ratio in {1.5, 2.0}]
    header = ["judge", *(f"{cell.setting.ratio:g}x" for cell in bad)]
    others = [*(rule.name for rule in study.rules), KAYENTA]
    rows = [
        [f"{judge}: not rolled back in 50 min"]
        + [percent(1.0 - share(cell.found[judge]).value) for cell in bad]
        for judge in others
    ]
    mine = [_fates(_certificate(study, 50.0, BASE, ratio))[0] for ratio in (1.5, 2.0)]
    rows.append(["ours: certified in 2 h", *(bounded(share(one)) for one in mine)])
    return table(header, rows)


def _certificate(study: Study, traffic: float, base: float, ratio: float) -> Cell:
    wanted = (traffic, base, ratio)
    return next(
        cell
        for cell in study.certificates
        if (cell.setting.traffic, cell.setting.base, cell.setting.ratio) == wanted
    )


def _fates(cell: Cell) -> tuple[FloatArray, FloatArray]:
    """Minutes to the certificate and to the rollback, whichever comes first; inf for the other."""
    certified, rolled = cell.certified[DEFAULT], cell.found[DEFAULT.name(ALPHAS[0])]
    return (
        np.where(certified < rolled, certified, np.inf),
        np.where(rolled <= certified, rolled, np.inf),
    )


def _certificates(study: Study) -> str:
    header = ["base", "rps", "equal: certified, median / p95 min", "rolled back", "inconclusive"]
    header += ["1.5x: certified", "1.5x: inconclusive", "2x: certified", "2x: inconclusive"]
    rows = []
    for base in study.size.bases:
        for traffic in TRAFFIC:
            row = [percent(base), f"{traffic:g}"]
            for ratio in (1.0, 1.5, 2.0):
                good, bad = _fates(_certificate(study, traffic, base, ratio))
                open_ = percent(float(np.mean(np.isinf(good) & np.isinf(bad))))
                equal = [detection(good), percent(share(bad).value), open_]
                row += equal if ratio == 1.0 else [percent(share(good).value), open_]
            rows.append(row)
    return table(header, rows)


def _late(study: Study) -> str:
    header = ["judge"]
    for when in study.late:
        header += [f"{when}: rolled back before the fault", "5x: median / p95 min"]
    rows = []
    for judge in next(iter(study.late.values())).found:
        row = [judge]
        for cell in study.late.values():
            early, delay = float(np.mean(cell.before(judge))), cell.delay(judge)
            times = [minutes(quantile(delay, q)) if len(delay) else NEVER for q in (0.5, 0.95)]
            row += [percent(early), " / ".join(times)]
        rows.append(row)
    return table(header, rows)


def _latency(study: Study) -> str:
    header = ["judge", *(one.fault.name for one in study.latency)]
    rows = [
        [judge, *(detection(one.found[judge]) for one in study.latency)]
        for judge in study.latency[0].found
    ]
    certified = [detection(one.certified) for one in study.latency]
    return table(header, [*rows, ["ours, certified below 1.25x at 250 ms", *certified]])


def _outage(study: Study) -> str:
    """What an outage alone adds to the rollbacks of good releases."""
    by_name = {cell.setting.world.name: cell for cell in study.nulls}
    rows = [
        [judge]
        + [percent(share(by_name[world].found[judge]).value) for world in ("stationary", "outage")]
        for judge in judges(study)
    ]
    return table(["judge", "without", "with a 2-minute outage"], rows)
