"""Draws a scene for a terminal: both workloads, their late answers, the forecast, what happened."""

from collections.abc import Sequence

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from controllers.api.base import go_duration
from controllers.api.inferenceautoscaler.status import InferenceAutoscalerStatus
from hack.demo.autoscaler.outcome import percent
from hack.demo.autoscaler.scene import Moment, Scene, Side
from hack.demo.screen import Art
from hack.demo.view import clock, events

MOST = 10
"""Replicas of a full bar."""
COLUMNS = 76
_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = {"modelyard": "green", "hpa": "blue"}


def draw(scene: Scene) -> RenderableType:
    """The scene as a panel, which always keeps its height."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, min_width=8, max_width=30)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, side in scene.sides.items():
        _add(table, name, side)
    return Panel(
        Group(
            _headline(scene),
            Text(forecast(scene.status), "dim", no_wrap=True, overflow="ellipsis"),
            Text(),
            table,
            Text(),
            _chart(scene),
            Text(),
            events(scene.events),
        ),
        title=Text("The peak of every hour, under two autoscalers", "bold"),
        title_align="left",
        subtitle=f"{clock(scene.seconds)} of traffic",
        subtitle_align="right",
        border_style="bright_black",
        padding=(1, 2),
    )


def phase(scene: Scene) -> str:
    """Where in the story it is."""
    if scene.seconds < scene.begins:
        return f"the peak begins in {clock(scene.begins - scene.seconds)}"
    if scene.seconds < scene.ends:
        return f"in the peak since {clock(scene.seconds - scene.begins)}"
    return "the peak is over"


def forecast(status: InferenceAutoscalerStatus) -> str:
    """What is expected, and how well that was known before."""
    said = status.demand
    if said.upper is None or said.horizon is None:
        return "no forecast yet: the history is being read back from Prometheus"
    known = "" if said.skill is None else f", {percent(said.skill)} less loss than the last value"
    held = "" if said.coverage is None else f", coverage {percent(said.coverage)} of 95"
    horizon = go_duration(round(said.horizon))
    return f"at most {said.upper:.1f} requests/s within {horizon}: {said.model}{known}{held}"


def line(scene: Scene) -> str:
    """A scene in one line."""
    sides = (
        f"{name} {side.ready} ready of {side.asked}, {side.late} of {side.answers} late"
        for name, side in scene.sides.items()
    )
    demand = f"{scene.demand:.0f} requests/s each"
    if scene.status.demand.upper is not None:
        demand += f", at most {scene.status.demand.upper:.0f} expected"
    return "; ".join((phase(scene), demand, *sides))


def bars(values: Sequence[float], most: float) -> str:
    """Each value as a block, full at ``most``; what is above nothing is never empty."""
    steps = len(_BLOCKS) - 1
    places = (min(max(round(value / most * steps), value > 0), steps) for value in values)
    return "".join(_BLOCKS[place] for place in places)


def columns(trail: Sequence[Moment], end: float) -> list[Moment]:
    """The trail in columns of the same time each, of which ``COLUMNS`` reach to second ``end``."""
    found: dict[int, Moment] = {}
    for moment in trail:
        found[min(int(moment.second / end * COLUMNS), COLUMNS - 1)] = moment
    last = trail[0] if trail else None
    kept = []
    for column in range(max(found, default=-1) + 1):
        last = found.get(column, last)
        if last is not None:
            kept.append(last)
    return kept


def _headline(scene: Scene) -> Text:
    within = scene.begins <= scene.seconds < scene.ends
    text = Text(phase(scene), "bold red" if within else "bold cyan")
    return text.append(f"  {scene.demand:.0f} requests/s for each", "default")


def _add(table: Table, name: str, side: Side) -> None:
    told = Text.assemble(
        (f"{side.ready:2d} ready of {side.asked:2d}", "bold"),
        f"  95 % within {side.slow:4.1f} s",
        (
            f"  {percent(side.lately):>7} late, {side.late:,} of {side.answers:,}",
            "bold red" if side.lately > 0.01 else "dim",
        ),
    )
    bar = Bar(size=MOST, begin=0, end=min(side.ready, MOST), color=_COLOURS[name], bgcolor="grey23")
    table.add_row(Text(f"{name:9}", f"bold {_COLOURS[name]}"), bar, told)


def _chart(scene: Scene) -> Table:
    """Demand and ready replicas in one measure, what a replica can do."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    kept = columns(scene.trail, scene.ends)
    each = scene.status.capacity.per_replica or 10.0
    table.add_row("demand", Text(bars([one.demand / each for one in kept], MOST), "yellow"))
    for name in scene.sides:
        ready = bars([one.ready[name] for one in kept], MOST)
        table.add_row(f"{name} ready", Text(ready, _COLOURS[name]))
    return table


def _news(scene: Scene) -> object:
    sides = tuple((side.ready, side.asked) for side in scene.sides.values())
    return sides, scene.seconds < scene.begins, scene.seconds < scene.ends


ART = Art(draw, line, _news)
