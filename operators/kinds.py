"""Every kind this operator serves."""

from operators.inferenceautoscaler import autoscaler
from operators.modelcanary import CANARY
from operators.runtime.kind import AnyKind
from operators.runtime.rights import RUNTIME_RULES, Rule
from operators.runtime.settings import Settings


def kinds(settings: Settings) -> tuple[AnyKind, ...]:
    """All kinds, as the settings of the process make them."""
    return (CANARY, autoscaler(settings))


KINDS = kinds(Settings())
"""The kinds as they are without any setting: what is generated speaks of these."""

RULES: tuple[Rule, ...] = (*RUNTIME_RULES, *(rule for kind in KINDS for rule in kind.all_rules))
"""All rights that serving them takes."""
