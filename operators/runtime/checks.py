"""What may turn a kind off while the others work."""

from collections.abc import Iterable, Mapping
from typing import Protocol

AGAIN = 5.0
"""Seconds until what keeps a kind from working is looked at again."""


class Check(Protocol):
    """Something that every kind needs, looked at as long as the process lives."""

    @property
    def asked(self) -> bool:
        """Whether it has been looked at."""
        ...

    @property
    def off(self) -> Mapping[str, str]:
        """By kind, why it does not work now."""
        ...

    @property
    def notes(self) -> Mapping[str, str]:
        """By subject, what else a person should know; no kind is off for it."""
        ...


def off(checks: Iterable[Check], kind: str) -> str:
    """Why a kind does not work now; empty: it does."""
    for check in checks:
        if not check.asked:
            return "not looked at yet"
        if why := check.off.get(kind):
            return why
    return ""
