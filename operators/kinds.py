"""Every kind this operator serves."""

from operators.runtime.kind import AnyKind

KINDS: tuple[AnyKind, ...] = ()
