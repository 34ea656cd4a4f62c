"""From what is asked for to how many replicas: at once upwards, downwards only when it is safe."""

import math
from dataclasses import dataclass

from controllers.api.inferenceautoscaler.status import Ask, Pace
from controllers.inferenceautoscaler.window import highest, push

_NEVER = Pace()


@dataclass(frozen=True, slots=True)
class Limits:
    """How far and how fast the replicas may go; times in seconds, shares from 0 to 1."""

    least: int
    most: int
    hold: float
    tolerance: float
    up_share: float
    up_replicas: int
    up_period: float
    down_share: float
    down_period: float
    may_rise: bool = True
    may_fall: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """What one decision leaves for the next."""

    window: tuple[Ask, ...] = ()
    rising: Pace = _NEVER
    falling: Pace = _NEVER


@dataclass(frozen=True, slots=True)
class Choice:
    """How many replicas there shall be, and what kept the number from being another one."""

    replicas: int
    keep: int
    """The largest number that anything asked for in the window."""
    limited_by: str
    memory: Memory


def choose(
    now: float,
    current: int,
    up: int,
    ahead: int,
    limits: Limits,
    memory: Memory,
) -> Choice:
    """The replicas for now (unix seconds).

    ``up`` is what is needed now, ``ahead`` what soon may be: nothing is added for it, and nothing
    taken away that it would need. A decrease goes no lower than what anything asked for in the last
    ``limits.hold`` seconds. So after an increase to n no decrease below n follows for that time,
    and in any T seconds there are at most floor(T/hold) + 1 changes from up to down, whatever is
    measured. Two things are not bound by it, because they are edits of the spec: a number outside
    ``least`` and ``most``.
    """
    beyond = up > limits.most
    up = min(max(up, limits.least), limits.most)
    ahead = min(max(ahead, up), limits.most)
    window = push(memory.window, int(now), ahead, limits.hold)
    keep = min(highest(window), limits.most)
    rising = _paced(memory.rising, now, current, limits.up_period)
    falling = _paced(memory.falling, now, current, limits.down_period)
    wanted, limited_by = current, ""
    if up > current:
        wanted, limited_by = _raise(current, up, rising, limits)
    elif current > limits.most:
        wanted, limited_by = _lower(current, limits.most, falling, limits)
    elif limits.may_fall and keep <= current - max(1, math.ceil(limits.tolerance * current)):
        wanted, limited_by = _lower(current, keep, falling, limits)
    if beyond and not limited_by:
        limited_by = "Maximum"
    memory = Memory(
        window,
        rising if wanted > current else memory.rising,
        falling if wanted < current else memory.falling,
    )
    return Choice(wanted, keep, limited_by, memory)


def remember(memory: Memory, now: float, replicas: int, hold: float) -> Memory:
    """As if ``replicas`` had been asked for now: nothing below is decided for ``hold`` seconds."""
    return Memory(push(memory.window, int(now), replicas, hold), memory.rising, memory.falling)


def _raise(current: int, up: int, pace: Pace, limits: Limits) -> tuple[int, str]:
    current = max(current, limits.least)
    if not limits.may_rise:
        return current, "NotStarting"
    step = max(math.ceil(pace.replicas * limits.up_share), limits.up_replicas)
    allowed = max(pace.replicas + step, current)
    return (allowed, "ScaleUp") if allowed < up else (up, "")


def _lower(current: int, keep: int, pace: Pace, limits: Limits) -> tuple[int, str]:
    step = max(math.floor(pace.replicas * limits.down_share), 1)
    allowed = min(pace.replicas - step, current)
    return (allowed, "ScaleDown") if allowed > keep else (keep, "")


def _paced(pace: Pace, now: float, current: int, period: float) -> Pace:
    """Where changes are counted from: a period begins with its first change."""
    if pace.at and pace.at <= now < pace.at + period:
        return pace
    return Pace(at=int(now), replicas=current)
