"""A Prometheus beside the cluster's, with the same targets, that a test may stop and start."""

import shutil
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.process import Process
from hack.cluster.site import answers, binary, environment
from tests.cluster.operator import free_port


class OwnPrometheus:
    """It keeps its port, and its data until it is to forget them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._config = cluster.folder / "config" / "prometheus.yml"
        self._data = folder / "data"
        self._port = free_port()
        self.process = Process("prometheus", folder)
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it until it answers."""
        self.process.start(
            [
                str(binary("prometheus")),
                f"--config.file={self._config}",
                f"--storage.tsdb.path={self._data}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--scrape.discovery-reload-interval=1s",
                "--log.level=warn",
            ],
            environment({}),
        )
        self.process.await_ready(lambda: answers(self._port, "/-/ready"), seconds=30)

    def stop(self) -> None:
        """Ends it at once, as a crash does."""
        self.process.stop(grace=0.0)

    def forget(self) -> None:
        """Drops all its data, as one without a volume does when it is moved."""
        shutil.rmtree(self._data)
