"""Merge patches (RFC 7386) that say only what changes."""

from collections.abc import Mapping
from typing import Any


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that turns ``old`` into ``new``; empty where they are equal.

    Lists are replaced as a whole; a key that is not in ``new`` is removed by null.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := difference(before, value):
                patch[key] = inner
        elif value != before or key not in old:
            patch[key] = value
    return patch
