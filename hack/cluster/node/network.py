"""The addresses of the real node: a network that nothing else on this machine routes."""

import ipaddress
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from hack.cluster import certificates
from hack.cluster.node.host import NodeError
from hack.cluster.site import Site

Net = ipaddress.IPv4Network

# 10.240 is that of kwok's pods; the last two are set apart for tests of devices (RFC 2544).
_CANDIDATES = (
    *(f"10.{second}.0.0/16" for second in range(241, 255)),
    *("198.18.0.0/16", "198.19.0.0/16"),
)

DNS = str(next(Net(certificates.SERVICES).hosts()) + 9)
"""The address of the Service that answers for names, the tenth as everywhere."""


@dataclass(frozen=True)
class Network:
    """One cable between ``host``, this machine, and ``node``; ``pods`` lies behind the node."""

    whole: Net

    @property
    def cable(self) -> Net:
        return next(self.whole.subnets(new_prefix=30))

    @property
    def host(self) -> str:
        return str(self.cable[1])

    @property
    def node(self) -> str:
        return str(self.cable[2])

    @property
    def pods(self) -> Net:
        return list(self.whole.subnets(new_prefix=24))[1]


def network(site: Site) -> Network:
    """The network that was settled for the node."""
    return Network(Net(site.state["network"]))


def settle(site: Site) -> Network:
    """Settles the network of a node that starts: the one it had if that is free, else another.

    Raises NodeError where none is free.
    """
    state, routed = site.state, _routed()
    had = state.get("network")
    if had is None or any(Net(had).overlaps(other) for other in routed):
        site.note(network=str(choose(routed, int(state["slot"]))))
    return network(site)


def choose(routed: Iterable[Net], slot: int) -> Net:
    """The first network that overlaps none that is ``routed``; raises NodeError without one.

    Clusters of different ``slot`` begin to look at different ones, so that a node that comes back
    finds its own free.
    """
    taken = list(routed)
    first = slot % len(_CANDIDATES)
    for candidate in map(Net, _CANDIDATES[first:] + _CANDIDATES[:first]):
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise NodeError(
        f"no network is left for the real node: {_CANDIDATES[0]} to {_CANDIDATES[-1]} are all "
        f"routed on this machine ({', '.join(map(str, taken))}); take a route away, or a VPN down"
    )


def _routed() -> list[Net]:
    """Every network that this machine routes, but for its default route."""
    said = subprocess.run(
        ["ip", "-json", "-4", "route", "show"], capture_output=True, text=True, check=True
    )
    found = [entry["dst"] for entry in json.loads(said.stdout or "[]")]
    return [Net(destination) for destination in found if destination != "default"]
