"""The outcomes as a table, and whether the load was what it was meant to be."""

from collections.abc import Mapping, Sequence

from hack.bench.live.outcome import Outcome, middle_and_range

Results = Mapping[tuple[float, str], Sequence[Outcome]]
"""By the share of bad answers and the contestant's name."""


def table(results: Results) -> str:
    """A Markdown table: a line for each share and contestant, medians with their ranges."""
    lines = [
        "| candidate fails | judge | runs | seconds to weight 0 | bad answers served "
        "| seconds to the write | write to the last answer, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for (errors, name), found in results.items():
        late = [one.seconds - one.wrote for one in found if one.wrote is not None]
        missed = sum(not one.over for one in found)
        runs = f"{len(found)}" + (f", {missed} not over" if missed else "")
        cells = (
            middle_and_range([one.seconds for one in found], 1),
            middle_and_range([one.bad for one in found], 0),
            middle_and_range([one.wrote for one in found if one.wrote is not None], 1),
            middle_and_range(late, 2),
        )
        lines.append(f"| {errors:.0%} | {name} | {runs} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def load(results: Results, rps: float) -> str:
    """One sentence about the load; it says so where the machine could not keep the rate."""
    found = [one for several in results.values() for one in several]
    rates = middle_and_range([one.rps for one in found], 1)
    slow = middle_and_range([one.slow * 1000 for one in found], 0)
    share = middle_and_range([one.share * 100 for one in found], 1)
    said = (
        f"Load: {rates} answers per second and experiment, 99 of 100 within {slow} ms of when they "
        f"were due; the candidate had {share} % of them before the fault."
    )
    short = sum(one.rps < 0.99 * rps or one.slow > 0.5 for one in found)
    if short:
        said += f" In {short} experiments the load fell behind: run fewer side by side."
    return said
