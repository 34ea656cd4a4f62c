"""How faults are played: one after the other in the tests, each alone and for long in full."""

import os
import time

from hack.faults.api import EVENTS, OPENINGS, REQUESTS
from hack.faults.effects import AT_ANY_TIME, Stall, WatchError
from hack.faults.script import Fault, Script
from tests.cluster.story import Story

FULL = os.environ.get("MODELYARD_FAULTS") == "full"
"""Whether the faults last as long as they do in an outage; see ``make faults``."""
OUTAGE = 120.0 if FULL else 20.0
"""Seconds for which rights are not there."""
FREEZE = 60.0 if FULL else 20.0
"""Seconds for which a store stands still."""
ALONE = 30.0
"""Seconds for which a fault is played alone."""
CHANCE = 0.4
"""Of each request, where a fault is played alone."""
STALL = 120.0
"""Seconds of silence, within which a watch is given up."""
PATIENCE = 450.0 if FULL else 120.0
"""Seconds until a scenario must have come to its end."""

# Never the lease: who loses it ends, and every case would be about that; it has one of its own.
_ALL = r"^(?!WATCH )(?!.*/leases)"
_LEASE = r"/leases"
_WRITES = r"^PATCH .*/(modelcanaries|virtualservices|inferenceautoscalers|deployments)/"
_WATCH = r"^WATCH .*/(modelcanaries|virtualservices|inferenceautoscalers|deployments)$"


def in_turn() -> list[Fault]:
    """One fault of each sort, once, among requests that succeed."""
    requests = ("reset, carried out", "truncated", "no JSON", "403", "422", "429", "503")
    events = ("410", "500", "stall", "duplicate", "dropped", "reordered")
    openings = ("401", "403", "429")
    return [
        *(Fault(name, REQUESTS[name], _WRITES, chance=0.35, times=1) for name in requests),
        *(Fault(f"watch {name}", EVENTS[name], _WATCH, times=1) for name in events),
        # Those that are ended are begun anew.
        Fault("watch 504", EVENTS["504"], _WATCH, times=3),
        *(Fault(f"begin {name}", OPENINGS[name], _WATCH, times=1) for name in openings),
    ]


def hard_ones() -> list[Fault]:
    """What was done although it seems not to have been, and what came in between."""
    move = r"^PATCH .*/(virtualservices/|deployments/.*/scale)"
    used_up = r"^PATCH .*/modelcanaries/[^/]+$"
    return [
        Fault("used up: 500, carried out", REQUESTS["500, carried out"], used_up, times=1),
        Fault("move: reset, carried out", REQUESTS["reset, carried out"], move, times=1),
        Fault("move: 409", REQUESTS["409"], move, times=1),
        Fault("hang, carried out", REQUESTS["hang, carried out"], _WRITES, times=1),
        Fault("500, carried out", REQUESTS["500, carried out"], _WRITES, times=1),
    ]


def alone() -> dict[str, list[Fault]]:
    """Each fault by itself, of all that the operator asks for."""
    cases = {name: Fault(name, one, _ALL, chance=CHANCE) for name, one in REQUESTS.items()}
    for name, event in EVENTS.items():
        lasting = Stall(STALL) if isinstance(event, Stall) else event
        # What needs no event is chosen five times a second.
        chance = CHANCE / 20 if isinstance(event, AT_ANY_TIME) else CHANCE
        cases[f"watch {name}"] = Fault(name, lasting, "^WATCH ", chance=chance)
    ends: dict[str, list[Fault]] = {}
    for name, opening in OPENINGS.items():
        cases[f"lease {name}"] = Fault(name, opening, _LEASE, chance=CHANCE)
        ends[f"begin {name}"] = [
            Fault(name, opening, "^WATCH ", chance=CHANCE),
            Fault("ended", WatchError(504), "^WATCH ", chance=CHANCE / 10),
        ]
    return {name: [one] for name, one in cases.items()} | ends


CASES: dict[str, list[Fault]] = alone() if FULL else {"all in turn": in_turn()}
"""What is played before the approval of a promotion."""
LAST: dict[str, list[Fault]] = alone() if FULL else {"all in turn": hard_ones()}
"""What is played after it."""
RAISES = {name: faults for name, faults in LAST.items() if name != "watch dropped"}
"""Which are played to an autoscaler: a lost last word of its target is found by the next list."""


def pass_by(story: Story, script: Script) -> None:
    """Returns when each fault has happened, or in full when the one has been played for a while."""
    if FULL:
        time.sleep(ALONE)
    else:
        story.until(lambda: not script.left(), 120, f"every fault has happened: {script.left()}")
