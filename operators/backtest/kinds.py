"""The kinds that can be back-tested, and what each provides for it."""

from collections.abc import Callable, Mapping

from controllers.api.base import Crd
from controllers.api.inferenceautoscaler import INFERENCEAUTOSCALER
from operators.backtest import inferenceautoscaler
from operators.backtest.manifest import Manifest
from operators.backtest.replay import Run

RUNS: Mapping[str, tuple[Crd, Callable[[Manifest, int | None], Run]]] = {
    INFERENCEAUTOSCALER.kind: (INFERENCEAUTOSCALER, inferenceautoscaler.begin),
}
"""By kind; the second makes a run of an object that decides every so many seconds."""
