"""One program of a cluster: what it needs, how it is started, and how a fault test handles it."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hack.cluster.process import DiedError, Process
from hack.cluster.site import Site, environment

_TRIES = 3


@dataclass(frozen=True)
class Launch:
    """How a part is started: its command and the environment beside PATH, HOME and the like."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One program of the cluster.

    ``launch`` prepares what the program reads (idempotently, once the parts it needs are ready) and
    says how to start it; ``ready`` is asked until it is true; ``ports`` are the names of its ports.
    """

    name: str
    launch: Callable[[Site], Launch]
    ready: Callable[[Site], bool]
    ports: tuple[str, ...]
    needs: tuple[str, ...] = ()
    binaries: tuple[str, ...] = ()
    seconds: float = 60.0


def start(site: Site, part: Part) -> None:
    """Starts the part unless it runs, until it is ready; raises DiedError with its last lines.

    A port that was free when it was chosen may be taken since: then others are chosen.
    """
    process = site.process(part.name)
    for tries_left in reversed(range(_TRIES)):
        if process.pid() is None:
            launch = part.launch(site)
            process.start(launch.command, environment(launch.environment))
        try:
            process.await_ready(lambda: part.ready(site), part.seconds)
        except DiedError:
            taken = "address already in use" in "\n".join(process.tail()).lower()
            if not taken or not tries_left or process.pid() is not None:
                raise
            site.choose_ports(part.ports, again=True)
        else:
            return


class RunningPart:
    """One program of a cluster in the hands of a fault test."""

    def __init__(self, site: Site, part: Part) -> None:
        self._site, self._part = site, part

    @property
    def process(self) -> Process:
        """Its pid, its log, and any signal."""
        return self._site.process(self._part.name)

    def start(self) -> None:
        """Starts it on the ports it had, and returns when it is ready."""
        start(self._site, self._part)

    def stop(self, grace: float = 15.0) -> None:
        """Ends it by SIGTERM, by SIGKILL after ``grace`` seconds, and returns when it is gone.

        kube-apiserver waits longer than this for those who watch it, and etcd several seconds.
        """
        self.process.stop(grace)

    def kill(self) -> None:
        """Ends it by SIGKILL, and returns when it is gone."""
        self.process.stop(grace=0.0)

    def pause(self) -> None:
        """Stops it in its tracks (SIGSTOP): it keeps its connections and answers nothing."""
        self.process.pause()

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        self.process.send(signal.SIGCONT)
