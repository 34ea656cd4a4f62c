"""Draws a scene for a terminal: weights, rates, evidence for and against, what happened."""

import math
from collections.abc import Sequence

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from controllers.api.base import go_duration
from controllers.api.modelcanary.spec import ErrorBudget
from controllers.api.modelcanary.status import GuardrailStatus, Phase
from hack.demo.scene import Arm, Scene
from hack.demo.screen import Art, Event

EVENTS = 7
_GOOD, _BAD, _WAITS = "bold green", "bold red", "bold yellow"
_COLOURS = {
    Phase.PROMOTED: _GOOD,
    Phase.PROMOTING: _GOOD,
    Phase.ROLLING_BACK: _BAD,
    Phase.ROLLED_BACK: _BAD,
    Phase.HELD: _WAITS,
    Phase.INCONCLUSIVE: _WAITS,
}
_STATES = {"Certified": _GOOD, "Regressed": _BAD, "Testing": "bold cyan"}


def draw(scene: Scene) -> RenderableType:
    """The scene as a panel, which keeps its height as long as the guardrails are the same."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, min_width=8, max_width=40)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, arm in scene.arms.items():
        _add_arm(table, name, arm)
    for one in scene.status.guardrails:
        _add_guardrail(table, one, scene.spec.error_budget)
    return Panel(
        Group(_headline(scene), Text(), table, Text(), events(scene.events)),
        title=Text(scene.title, "bold"),
        title_align="left",
        subtitle=f"{clock(scene.seconds)} of traffic",
        subtitle_align="right",
        border_style="bright_black",
        padding=(1, 2),
    )


def clock(seconds: float) -> str:
    """Minutes and seconds, as 1:05."""
    minutes, rest = divmod(math.floor(seconds), 60)
    return f"{minutes}:{rest:02d}"


def evidence(e_value: float, needed: float) -> float:
    """How far an e-value is on the way to the one needed: 0 at 1 or less, 1 at ``needed``.

    Logarithmic, since evidence is multiplied: one clean block after another moves it alike.
    """
    if e_value <= 1.0:
        return 0.0
    return min(1.0, math.log(e_value) / math.log(needed))


def _headline(scene: Scene) -> Text:
    status = scene.status
    line = Text.assemble((status.phase.value, _COLOURS.get(status.phase, "bold cyan")))
    if status.step:
        line.append(f"  step {min(status.step, len(scene.spec.steps))} of {len(scene.spec.steps)}")
    if status.reason != status.phase.value:
        line.append(f"  {status.reason}", "dim")
    if status.eta is not None:
        line.append(f"  certificate in about {go_duration(round(status.eta))}")
    return line


def _bar(share: float, colour: str) -> Bar:
    return Bar(size=1.0, begin=0.0, end=share, color=colour, bgcolor="grey23")


def _add_arm(table: Table, name: str, arm: Arm) -> None:
    alarm = _BAD if arm.bad else "dim"
    told = Text.assemble(
        (f"{arm.weight:3d} %", "bold"),
        f"  {arm.rate:5.1f}/s",
        (f"  {arm.bad_rate:4.1f} bad/s  {arm.bad:,} of {arm.answers:,} bad", alarm),
    )
    label = Text.assemble((f"{name:5}", f"bold {name}"), f" version {arm.version}")
    table.add_row(label, _bar(arm.weight / 100, name), told)


def _add_guardrail(table: Table, one: GuardrailStatus, budget: ErrorBudget) -> None:
    table.add_row("")
    table.add_row(Text(one.name, "bold"), Text(one.state, _STATES.get(one.state, _WAITS)), "")
    table.add_row("  judged", "", _counts(one))
    table.add_row("  ratio", "", _ratio(one))
    for what, found, chance, style, effect in (
        ("for it", one.certify_evidence, budget.beta, "green", "certifies it"),
        ("against it", one.rollback_evidence, budget.alpha, "red", "takes all traffic back"),
    ):
        value, needed = found or 0.0, 1 / chance
        told = Text(f"evidence {value:,.3g}; {needed:.0f} {effect}")
        table.add_row(f"  {what}", _bar(evidence(value, needed), style), told)


def _counts(one: GuardrailStatus) -> Text:
    """The answers that the evidence is made of; where there are none, why."""
    if one.candidate is None or one.stable is None:
        return Text(one.message or "nothing yet", "dim")
    return Text(
        f"{one.candidate.bad:,} of {one.candidate.requests:,} bad, "
        f"stable {one.stable.bad:,} of {one.stable.requests:,}"
    )


def _ratio(one: GuardrailStatus) -> Text:
    """How many times as bad as stable, with the interval that holds it at every look."""
    if one.ratio is None and not one.ratio_low and one.ratio_high is None:
        return Text("none without a bad answer", "dim")
    best = "" if one.ratio is None else f"{one.ratio:.2f} times as bad, "
    low = "0" if one.ratio_low is None else f"{one.ratio_low:.2f}"
    high = "∞" if one.ratio_high is None else f"{one.ratio_high:.2f}"
    return Text(f"{best}from {low} to {high}")


def events(told: Sequence[tuple[float, Event]]) -> Table:
    """The last of what happened, in always the same number of rows."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
    told = told[-EVENTS:]
    for second, event in told:
        table.add_row(clock(second), event.reason, event.message)
    for _ in range(EVENTS - len(told)):
        table.add_row("")
    return table


def line(scene: Scene) -> str:
    """A scene in one line."""
    arms = (
        f"{name} (version {arm.version}) {arm.weight} %, {arm.rate:.0f}/s, "
        f"{arm.bad} of {arm.answers} bad"
        for name, arm in scene.arms.items()
    )
    found = (_found(one) for one in scene.status.guardrails)
    return "; ".join((scene.status.phase.value, *arms, *found))


def _found(one: GuardrailStatus) -> str:
    against, favour = one.rollback_evidence or 0.0, one.certify_evidence or 0.0
    return f"{one.name} {one.state}, evidence against {against:.3g}, for {favour:.3g}"


def _news(scene: Scene) -> object:
    return tuple(arm.weight for arm in scene.arms.values()), scene.status.phase


ART = Art(draw, line, _news)
