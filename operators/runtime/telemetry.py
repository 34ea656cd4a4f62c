"""The operator's own metrics."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from controllers.readings import Answered, Missing

# A second series for each counter, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Telemetry:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.reconciles = self._counter(
            "reconciles",
            "Reconciles by kind and how they ended: ok, refused (the user's spec), "
            "changed (the object, while its queries ran; done anew), "
            "world (tried again with backoff), fenced (the lease was about to end) or bug.",
            "kind",
            "result",
        )
        self.seconds = Histogram(
            "modelyard_reconcile_seconds",
            "Seconds from taking a key to its settled plan, waiting for Prometheus included.",
            ("kind",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self._registry,
        )
        self.delay = Histogram(
            "modelyard_delay_seconds",
            "Seconds from when a key was due to its settled plan: the wait for its turn included.",
            ("kind",),
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
            registry=self._registry,
        )
        self.depth = self._gauge("queue_depth", "Keys that are due and not in flight.", "kind")
        self.in_flight = self._gauge("in_flight", "Keys being reconciled.", "kind")
        self.objects = self._gauge("objects", "Objects in the cache.", "kind")
        self.off = self._gauge(
            "kind_off",
            "1 while the kind does not work, as rights are missing or its CRD is older, else 0; "
            "/readyz says why.",
            "kind",
        )
        self.writes = self._counter(
            "writes", "Writes to the API server by kind of object and result.", "kind", "result"
        )
        self.readings = self._counter(
            "readings",
            "Queries answered by Prometheus, by state: Answered, Empty, Warned or Failed.",
            "state",
        )
        self.decisions = self._counter(
            "decisions", "Decisions by kind and reason.", "kind", "reason"
        )
        self.events = self._counter(
            "events", "Events by reason and result: sent, counted (repeats), dropped.",
            "reason", "result",
        )  # fmt: skip
        self.leader = self._gauge("leader", "1 while this process holds the lease, else 0.")
        self.watch_restarts = self._counter(
            "watch_restarts", "How often the watches on our own kinds were begun anew."
        )
        self.last_tick = self._gauge(
            "loop_last_tick_seconds", "Unix time of the loop's last sign of life.", "kind"
        )

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def answered(self, answer: Answered) -> None:
        """Counts one answer of Prometheus."""
        if isinstance(answer, Missing):
            state = "Failed"
        elif answer.warnings:
            state = "Warned"
        else:
            state = "Answered" if answer.series else "Empty"
        self.readings.labels(state).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"modelyard_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"modelyard_{name}", text, labels, registry=self._registry)
