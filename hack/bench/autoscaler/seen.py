"""What a policy may know: the newest scrape, the replicas, and nothing of the future."""

import numpy as np

from controllers.readings import FloatArray
from hack.bench.autoscaler.arrays import BoolArray, IntArray
from hack.bench.autoscaler.world import World


class Seen:
    """The view that the policy of some lanes has of them; arrays are (lanes,).

    Numbers come from the newest scrape, which is a few seconds old; replicas come from the API.
    NaN: the query was answered, but with nothing or with NaN.
    """

    def __init__(self, world: World, lanes: slice) -> None:
        self._world, self._lanes = world, lanes

    @property
    def now(self) -> int:
        """The second of this look."""
        return self._world.now

    def rate(self, window: int) -> FloatArray:
        """Requests per second that arrived, over the window in seconds."""
        return self._world.rate(window, self._lanes)

    @property
    def usage(self) -> FloatArray:
        """Busy share of the slots of ready replicas, over the last scrape interval."""
        return self._world.scrape.usage[self._lanes]

    @property
    def concurrency(self) -> FloatArray:
        """Requests in service and waiting."""
        return self._world.scrape.concurrency[self._lanes]

    @property
    def backlog(self) -> FloatArray:
        """Requests waiting."""
        return self._world.scrape.backlog[self._lanes]

    @property
    def met(self) -> FloatArray:
        """Share of the requests begun in the last minute that waited no longer than allowed."""
        return self._world.scrape.met[self._lanes]

    def probed(self, window: int) -> FloatArray:
        """Mean requests in service and waiting, of an autoscaler that asks the pods itself."""
        return self._world.probed(window, self._lanes)

    @property
    def failed(self) -> BoolArray:
        """Where Prometheus did not answer at all."""
        return np.zeros(len(self.ready), np.bool_)

    @property
    def reporting(self) -> FloatArray:
        """Share of the ready replicas that the newest scrape reached."""
        return np.ones(len(self.ready))

    @property
    def ready(self) -> IntArray:
        """Ready replicas."""
        return self._world.ready[self._lanes]

    @property
    def starting(self) -> IntArray:
        """Replicas that are there but not ready."""
        return self._world.starts.count[self._lanes]

    @property
    def desired(self) -> IntArray:
        """What ``spec.replicas`` says."""
        return self._world.desired[self._lanes]
