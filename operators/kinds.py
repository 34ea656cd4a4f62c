"""Every kind this operator serves."""

from operators.modelcanary import CANARY
from operators.runtime.kind import AnyKind

KINDS: tuple[AnyKind, ...] = (CANARY,)
