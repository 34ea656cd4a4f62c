"""The operator behind a proxy, and what a kubelet does for it: start it again when it ends."""

import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import yaml

from hack.cluster.cluster import Cluster
from hack.cluster.process import DiedError
from tests.cluster.api import Api
from tests.cluster.operator import Operator
from tests.faults.skewed import clock_file

_LOST = re.compile("another replica took the lease|the lease was not renewed")


class FaultedOperator(Operator):
    """One that reaches its API server at ``server``, and whose clock may be set."""

    def __init__(
        self, cluster: Cluster, api: Api, namespace: str, *flags: str, server: str = "", **more: Any
    ) -> None:
        super().__init__(cluster, api, namespace, *flags, **more)
        self._file = Path(self._kubeconfig)
        if server:
            config = yaml.safe_load(self._file.read_text())
            config["clusters"][0]["cluster"] = {"server": server}
            self._file.write_text(yaml.safe_dump(config))
        self.set_clock(0)

    def set_clock(self, seconds: float) -> None:
        """By how much the clock is wrong from now on, where the program is ``skewed``."""
        unfinished = self._file.with_suffix(".clock.tmp")
        unfinished.write_text(f"{seconds:+.0f}\n")
        unfinished.replace(clock_file(self._file))


class Kubelet:
    """Starts an operator again whenever it has ended, and keeps what it said as it did."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet")
        self.ends: list[str] = []
        """Why the operator ended, each time."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(90)

    def check(self) -> None:
        """Fails where the operator ended for anything but a lost lease."""
        wrong = [why for why in self.ends if not _LOST.search(why)]
        assert not wrong, wrong

    def _run(self) -> None:
        while not self._stopping.wait(0.3):
            if not self._operator.running():
                self.ends.append("\n".join(self._operator.process.tail(5)))
                with suppress(DiedError):  # not ready yet: the next look finds out
                    self._operator.start()
