"""Draws a scene for a terminal: weights, rates, evidence for and against, what happened."""

import math

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from controllers.api.base import go_duration
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import Count, GuardrailStatus, Phase
from hack.demo.scene import Arm, Scene

EVENTS = 7
_BAR = 30
_EIGHTHS = " ▏▎▍▌▋▊▉"
_COLOURS = {
    Phase.PROMOTED: "bold green",
    Phase.PROMOTING: "bold green",
    Phase.ROLLING_BACK: "bold red",
    Phase.ROLLED_BACK: "bold red",
    Phase.HELD: "bold yellow",
    Phase.INCONCLUSIVE: "bold yellow",
}


def draw(scene: Scene) -> RenderableType:
    """The scene as a panel; it keeps its height as long as the number of guardrails does."""
    body = Group(
        _headline(scene),
        Text(),
        _traffic(scene),
        Text(),
        *(_guardrail(one, scene.spec) for one in scene.status.guardrails),
        _events(scene),
    )
    clock = f"{math.floor(scene.seconds / 60)}:{math.floor(scene.seconds % 60):02d} of traffic"
    return Panel(
        body,
        title=f"[bold]{scene.title}",
        title_align="left",
        subtitle=clock,
        subtitle_align="right",
        border_style="dim",
        padding=(1, 2),
    )


def _headline(scene: Scene) -> Text:
    status = scene.status
    told = Text()
    told.append(status.phase.value, _COLOURS.get(status.phase, "bold cyan"))
    if status.reason and status.reason != status.phase.value:
        told.append(f"  {status.reason}")
    if status.step:
        told.append(f"  step {min(status.step, len(scene.spec.steps))} of {len(scene.spec.steps)}")
    if status.eta is not None:
        told.append(f"  certificate expected in {go_duration(round(status.eta))}", "dim")
    return told


def _traffic(scene: Scene) -> Table:
    table = Table.grid(padding=(0, 2))
    for side in ("left", "left", "left", "right", "right", "right", "right"):
        table.add_column(justify="right" if side == "right" else "left", no_wrap=True)
    for name, arm in scene.arms.items():
        table.add_row(*_arm(name, arm))
    return table


def _arm(name: str, arm: Arm) -> tuple[Text, ...]:
    alarm = "bold red" if arm.bad else "dim"
    return (
        Text(name, f"bold {name}"),
        Text(f"version {arm.version}"),
        bar(arm.weight / 100, name),
        Text(f"{arm.weight} %", "bold"),
        Text(f"{arm.rate:.1f} answers/s"),
        Text(f"{arm.bad_rate:.1f} bad/s", alarm),
        Text(f"{arm.bad:,} of {arm.answers:,} bad", alarm),
    )


def bar(share: float, style: str) -> Text:
    """A bar of a share from 0 to 1, in eighths of a character; what is out of range is cut off."""
    eighths = round(min(1.0, max(0.0, share)) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    text = Text(drawn, style)
    text.append("·" * (_BAR - len(drawn)), "dim")
    return text


def evidence(e_value: float, needed: float) -> float:
    """How far an e-value is on the way to the one needed: 0 at 1 or less, 1 at ``needed``.

    Logarithmic, as evidence is multiplied: each clean request or each bad answer moves it as much
    as the one before.
    """
    if e_value <= 1.0:
        return 0.0
    return min(1.0, math.log(e_value) / math.log(needed))


def _guardrail(one: GuardrailStatus, spec: ModelCanarySpec) -> RenderableType:
    name = Text.assemble("guardrail ", (one.name, "bold"), "  ", (one.state, _state(one.state)))
    if one.message:
        name.append(f"  {one.message}", "dim")
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_row("candidate", _count(one.candidate), _ratio(one))
    table.add_row("stable", _count(one.stable), "")
    for what, found, chance, style, effect in (
        ("against it", one.rollback_evidence, spec.error_budget.alpha, "red", "all traffic back"),
        ("for it", one.certify_evidence, spec.error_budget.beta, "green", "certified"),
    ):
        value, needed = found or 0.0, 1 / chance
        number = Text(f"evidence {value:,.3g} of {needed:.0f}: {effect}")
        table.add_row(what, bar(evidence(value, needed), style), number)
    return Group(name, table, Text())


def _state(state: str) -> str:
    return {"Certified": "bold green", "Regressed": "bold red", "Testing": "cyan"}.get(
        state, "bold yellow"
    )


def _count(count: Count | None) -> str:
    return f"{count.bad:,} of {count.requests:,} bad" if count else "not counted yet"


def _ratio(one: GuardrailStatus) -> str:
    if one.ratio is None and one.ratio_low is None and one.ratio_high is None:
        return ""
    ratio = "" if one.ratio is None else f"{one.ratio:.2f} times as bad, "
    low = "0" if one.ratio_low is None else f"{one.ratio_low:.2f}"
    high = "∞" if one.ratio_high is None else f"{one.ratio_high:.2f}"
    return f"{ratio}between {low} and {high}"


def _events(scene: Scene) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
    told = scene.events[-EVENTS:]
    for second, event in told:
        clock = f"{math.floor(second / 60)}:{math.floor(second % 60):02d}"
        table.add_row(clock, event.reason, event.message)
    for _ in range(EVENTS - len(told)):
        table.add_row("", "", "")
    return table
