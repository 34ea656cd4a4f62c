"""Whether the rights that are granted are those that were used, in each mode."""

from collections.abc import Collection, Sequence

from hack.rights.used import Mode, Use
from operators.runtime.rights import EVERYONE, Rule, rights


def faults(found: Collection[Use], rules: Sequence[Rule]) -> list[str]:
    """What is wrong, a line each.

    Used and not granted, granted and never used, or shown by a test that does not use it.
    """
    return [
        *(line for mode in Mode for line in _of_mode(found, rules, mode)),
        *(line for rule in dict.fromkeys(rules) for line in _shown(found, rule)),
    ]


def rows(found: Collection[Use], rules: Sequence[Rule]) -> list[tuple[str, ...]]:
    """A row for each right: how many tests used it in each mode, and which one is to show it."""
    shown = {right: rule.shown_by for rule in rules for right in rule.rights}
    return [
        (str(right), *(str(len(_tests(found, right, mode))) for mode in Mode), shown[right])
        for right in rights(rules)
    ]


def _of_mode(found: Collection[Use], rules: Sequence[Rule], mode: Mode) -> list[str]:
    granted = set(rights(rules))
    asked = {(one.right, one.everywhere) for one in found if one.mode is mode}
    wrong = []
    for right, everywhere in sorted(asked):
        if right in EVERYONE:
            continue
        where = " in all namespaces" if everywhere else ""
        if right not in granted or (everywhere and mode is Mode.NAMESPACED):
            tests = ", ".join(sorted(_tests(found, right, mode)))
            wrong.append(f"{mode}: used and not granted: {right}{where}, in {tests}")
    used = {right for right, _ in asked}
    wrong += [f"{mode}: granted and never used: {right}" for right in sorted(granted - used)]
    return wrong


def _shown(found: Collection[Use], rule: Rule) -> list[str]:
    used = {one.right for one in found if one.test == rule.shown_by}
    unused = [str(right) for right in rule.rights if right not in used]
    return [f"{rule.shown_by} did not use: {', '.join(unused)}"] if unused else []


def _tests(found: Collection[Use], right: object, mode: Mode) -> set[str]:
    return {one.test for one in found if one.right == right and one.mode is mode}
