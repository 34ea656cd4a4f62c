"""``modelyard leave`` on objects one by one: what is held is given back, the rest is left alone."""

from dataclasses import replace
from typing import Any

import pytest

from controllers.plan import Meta, Plan
from operators.cli import main
from operators.cli.leave import leaving
from operators.kinds import KINDS
from operators.runtime.kind import AnyKind

HELD = Meta("ml", "one", "uid", 1, "2026-01-01T00:00:00Z", finalizer=True)
FREE = replace(HELD, finalizer=False)


class Asked:
    """A kind's functions, which note the metadata that they are given."""

    def __init__(self) -> None:
        self.deleting: list[bool] = []

    def kind(self) -> AnyKind:
        return replace(
            KINDS[0], needs=self.needs, observe=self.observe, decide=self.decide, refuse=self.refuse
        )

    def needs(self, meta: Meta, *_: Any) -> tuple[()]:
        self.deleting.append(meta.deleting)
        return ()

    def observe(self, _: Any, meta: Meta, *__: Any) -> None:
        self.deleting.append(meta.deleting)

    def decide(self, meta: Meta, *_: Any) -> Plan[Any]:
        self.deleting.append(meta.deleting)
        return Plan(_[1], "Decided", finalizer=True)

    refuse = decide


def turn(kind: AnyKind, meta: Meta) -> list[str]:
    """Asks a kind everything about an object; the reasons of its plans."""
    kind.needs(meta, "spec", "status", 1.0)
    kind.observe(None, meta, "spec", "status", {}, 1.0)  # type: ignore[arg-type]
    plans = (
        kind.decide(meta, "spec", "status", "seen", 1.0),
        kind.refuse(meta, "status", "unreadable", 1.0),
    )
    return [plan.reason for plan in plans]


def test_an_object_that_is_held_is_decided_about_as_if_it_were_deleted() -> None:
    asked = Asked()
    assert turn(leaving(asked.kind()), HELD) == ["Decided", "Decided"]
    assert asked.deleting == [True] * 4


def test_an_object_that_is_not_held_keeps_its_status_and_gets_no_finalizer() -> None:
    asked = Asked()
    kind = leaving(asked.kind())
    assert turn(kind, FREE) == ["Left", "Left"]
    plan = kind.decide(FREE, None, "as it was", None, 1.0)
    assert (plan.status, plan.finalizer, plan.writes) == ("as it was", False, ())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--dry-run"], "--dry-run: nothing would ever be freed"),
        (["--kinds", "ModelCannery"], "--kinds ModelCannery: no such kind"),
    ],
)
def test_flags_with_which_it_could_not_work_are_refused(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leave", *flags]) == 2
    assert f"modelyard leave: {said}" in capsys.readouterr().err
