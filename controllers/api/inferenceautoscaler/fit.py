"""Keeps a status small: its texts give way before anything that a decision rests on."""

import json
from typing import Any

MOST = 8000
"""Bytes of a status on the wire, a little below the 8 KiB that are allowed."""


def fit(wire: dict[str, Any]) -> dict[str, Any]:
    """A status on the wire as it is where it is small enough, which is nearly always; else cut."""
    for longest in (200, 100, 50, 0):
        if len(json.dumps(wire, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST:
            break
        wire = _cut(wire, longest)
    return wire


def _cut(wire: dict[str, Any], longest: int) -> dict[str, Any]:
    def short(text: str) -> str:
        return text if len(text) <= longest else text[: max(longest - 3, 0)] + "..."[:longest]

    def told(each: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "message": short(one["message"])} for one in each]

    decision = wire["decision"]
    held = [short(one) for one in decision["held"]]
    return {
        **wire,
        "decision": {**decision, "asked": told(decision["asked"]), "held": held},
        "signals": told(wire["signals"]),
        "conditions": told(wire["conditions"]),
    }
