"""What every part knows of its cluster: folder, ports, binaries, and who answers."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hack.cluster import binaries
from hack.cluster.folder import address, claim, free_port, write
from hack.cluster.process import Process


class CommandError(Exception):
    """kubectl ended with an error; the message holds the command and what it said."""


class Site:
    """The state of one cluster on disk, read afresh at each question."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._noting = threading.RLock()  # parts that start side by side may all change the state

    @property
    def state(self) -> dict[str, Any]:
        """``slot``, ``ports``, ``parts``, ``scrape_seconds`` and so on; empty when down."""
        try:
            state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return state

    def note(self, **changes: object) -> None:
        """Changes the state file; the folder's lock is to be held."""
        with self._noting:
            self.write("state.json", json.dumps({**self.state, **changes}, indent=1))

    def write(self, name: str, text: str) -> Path:
        """A file of the state folder, replaced as a whole."""
        return write(self.folder / name, text)

    def process(self, name: str) -> Process:
        return Process(name, self.folder)

    def port(self, name: str) -> int:
        """The port of that name; raises KeyError for one that was not chosen."""
        return int(self.state["ports"][name])

    def choose_ports(self, names: Sequence[str], *, again: bool = False) -> None:
        """Chooses the ports that are not chosen yet, or all of them ``again`` as one was taken."""
        slot = claim(self.folder)
        with self._noting:
            ports = dict(self.state.get("ports", {}))
            avoid = set(ports.values())
            for name in names:
                if again or name not in ports:
                    ports[name] = free_port(slot, avoid)
                    avoid.add(ports[name])
            self.note(slot=slot, ports=ports)

    def address(self, host: int) -> str:
        """A loopback address that is this cluster's alone; 254 is the gateway's identity."""
        return address(int(self.state["slot"]), host)

    def kubeconfig(self, client: str) -> Path:
        return self.folder / "kubeconfig" / f"{client}.yaml"

    def kubectl(self, *arguments: str, data: str | None = None, seconds: float = 60.0) -> str:
        """What kubectl prints, run as admin. Raises CommandError with what it said."""
        command = [str(binary("kubectl")), "--kubeconfig", str(self.kubeconfig("admin"))]
        try:
            done = subprocess.run(
                [*command, *arguments],
                input=data,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
                env=environment({}),
            )
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"kubectl {' '.join(arguments)}: no answer in {seconds:.0f} s"
            ) from None
        if done.returncode:
            raise CommandError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Applies objects on the server side, as field manager ``cluster``."""
        self._apply(yaml.safe_dump_all(objects), "-")

    def apply_file(self, path: Path) -> None:
        self._apply(None, str(path))

    def _apply(self, data: str | None, source: str) -> None:
        manager = ("--server-side", "--field-manager=cluster", "--force-conflicts")
        self.kubectl("apply", *manager, "-f", source, data=data)


def binary(name: str) -> Path:
    """The path of a binary that ``up`` has made sure of; raises BuildError where it is gone."""
    found = binaries.find(name)
    if found is None:
        raise binaries.BuildError(f"{name} is not built: run python -m hack.cluster up")
    return found


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A small environment: nothing like KUBECONFIG or a proxy of the caller's gets into a part."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **extra}


def answers(port: int, path: str, authority: Path | None = None, host: str = "127.0.0.1") -> bool:
    """Whether a GET answers 200 within 2 s; over TLS where an authority is given."""
    connection: http.client.HTTPConnection
    if authority:
        context = ssl.create_default_context(cafile=str(authority))
        connection = http.client.HTTPSConnection(host, port, timeout=2, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Whether something accepts connections on that port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
