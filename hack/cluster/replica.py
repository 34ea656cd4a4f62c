"""One replica of a model server: so many requests at once, the others wait in their order."""

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from dataclasses import dataclass

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FIRST_TOKEN = 0.1  # the share of a request's service after which its first token is out
_EDGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


@dataclass(frozen=True)
class Knobs:
    """How every replica of a fleet serves, and what of it Prometheus sees.

    ``concurrency``: requests served at once; ``seconds``: median time of one, and ``sigma`` of its
    logarithm; ``errors``: share of 500 answers; ``scraped``: share of replicas that are targets.
    """

    concurrency: float = 4
    seconds: float = 0.1
    sigma: float = 0.0
    errors: float = 0.0
    scraped: float = 1.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.concurrency != int(self.concurrency):
            raise ValueError(f"concurrency is {self.concurrency}: give a whole number from 1")
        if not 0 <= self.seconds <= 600:
            raise ValueError(f"seconds is {self.seconds}: give 0 to 600")
        if not 0 <= self.sigma <= 3:
            raise ValueError(f"sigma is {self.sigma}: give 0 to 3")
        for name, share in (("errors", self.errors), ("scraped", self.scraped)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}: give a share from 0 to 1")


class Slots:
    """Lets ``limit`` in at once, and the others in the order in which they came."""

    def __init__(self, limit: int) -> None:
        self.running, self._limit = 0, limit
        self.idle = asyncio.Event()
        self.idle.set()
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def take(self) -> None:
        """Returns when it is the caller's turn; ``free`` is then to be called once."""
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self.idle.clear()
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._queue.remove(turn)
            else:
                self.free()  # its turn came in the very moment in which it gave up
            raise

    def free(self) -> None:
        self.running -= 1
        self._admit()
        if not self.running:
            self.idle.set()

    def limit(self, limit: int) -> None:
        """Changes the limit; those who are in stay in."""
        self._limit = limit
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.running < self._limit:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self.running += 1


class Replica:
    """Serves as its knobs say, and counts it under the names of vLLM's metrics."""

    def __init__(self, pod: str, model: str, knobs: Knobs, seed: int) -> None:
        self.pod, self.completed, self._knobs = pod, 0, knobs
        self.slots = Slots(int(knobs.concurrency))
        self._random = random.Random(seed)
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "vllm:request_success",
            "Answers that are no error.",
            ["model_name", "finished_reason"],
            registry=self._registry,
        ).labels(model, "stop")
        self._running = self._gauge("num_requests_running", "Requests being served.", model)
        self._waiting = self._gauge("num_requests_waiting", "Requests that wait.", model)
        self._cache = self._gauge("kv_cache_usage_perc", "Share of the cache in use.", model)
        self._first = self._histogram("time_to_first_token_seconds", model)
        self._whole = self._histogram("e2e_request_latency_seconds", model)

    def turn(self, knobs: Knobs) -> None:
        """Serves by other knobs from the next request on."""
        self._knobs = knobs
        self.slots.limit(int(knobs.concurrency))

    async def serve(self) -> int:
        """The status of one request, after its wait and its service; whoever gives up is gone."""
        came = time.monotonic()
        await self.slots.take()
        try:
            waited, knobs = time.monotonic() - came, self._knobs
            failed = self._random.random() < knobs.errors
            service = knobs.seconds * math.exp(self._random.gauss(0.0, knobs.sigma))
            await asyncio.sleep(service)
        finally:
            self.slots.free()
        self.completed += 1
        if failed:
            return 500
        self._answers.inc()
        self._first.observe(waited + _FIRST_TOKEN * service)
        self._whole.observe(time.monotonic() - came)
        return 200

    def metrics(self) -> bytes:
        """The metrics now, in Prometheus' text format."""
        self._running.set(self.slots.running)
        self._waiting.set(self.slots.waiting)
        self._cache.set(min(1.0, self.slots.running / self._knobs.concurrency))
        return prometheus_client.generate_latest(self._registry)

    def _gauge(self, name: str, what: str, model: str) -> Gauge:
        return Gauge(f"vllm:{name}", what, ["model_name"], registry=self._registry).labels(model)

    def _histogram(self, name: str, model: str) -> Histogram:
        return Histogram(
            f"vllm:{name}", "Seconds.", ["model_name"], registry=self._registry, buckets=_EDGES
        ).labels(model)
