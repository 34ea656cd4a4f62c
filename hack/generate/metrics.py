"""Renders the reference page of the operator's own metrics."""

from prometheus_client.metrics import MetricWrapperBase

from hack.generate.text import NOTICE, table
from operators.runtime.telemetry import Telemetry

_SUFFIX = {"counter": "_total", "histogram": "_bucket, _sum, _count"}


def render() -> str:
    """The page as Markdown, one row for each metric in the order of their names."""
    metrics = [part for part in vars(Telemetry()).values() if isinstance(part, MetricWrapperBase)]
    return f"""<!-- {NOTICE} -->
# Metrics of the operator

`modelyard run` serves them on `/metrics`.

{table(("Metric", "Type", "Labels", "Meaning"), sorted(map(_row, metrics)))}"""


def _row(metric: MetricWrapperBase) -> tuple[str, str, str, str]:
    (family,) = metric.describe()
    suffix = _SUFFIX.get(family.type, "")
    # The client offers no other way to a metric's labels before it has a value.
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001
    name = f"`{family.name}{suffix}`" if "," not in suffix else f"`{family.name}` ({suffix})"
    return name, family.type, labels, family.documentation
