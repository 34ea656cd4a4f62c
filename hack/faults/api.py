"""The faults of an API server by name, as tests play them and docs/faults.md lists them."""

from collections.abc import Mapping

from hack.faults.effects import (
    Dropped,
    EventEffect,
    Hang,
    Late,
    Refused,
    RequestEffect,
    Reset,
    Slow,
    Stall,
    Truncated,
    Twice,
    WatchError,
)

REQUESTS: Mapping[str, RequestEffect] = {
    "hang": Hang(),
    "hang, carried out": Hang(carried_out=True),
    "reset": Reset(),
    "reset, carried out": Reset(carried_out=True),
    "slow headers": Slow(2.0),
    "truncated": Truncated(),
    "no JSON": Refused(200, body=b"<html>please log in</html>", content_type="text/html"),
    "no object": Refused(200, body=b"{}"),
    "401": Refused(401),
    "403": Refused(403),
    "409": Refused(409),
    "422": Refused(422),
    "429": Refused(429, retry_after=2),
    "500": Refused(500),
    "500, carried out": Refused(500, carried_out=True),
    "503": Refused(503, retry_after=1),
}
"""What may befall any request."""

EVENTS: Mapping[str, EventEffect] = {
    "410": WatchError(410),
    "500": WatchError(500),
    "504": WatchError(504),
    "stall": Stall(3.0),
    "duplicate": Twice(),
    "dropped": Dropped(),
    "reordered": Late(),
}
"""What may befall the events of a watch."""

OPENINGS: Mapping[str, RequestEffect] = {
    name: REQUESTS[name] for name in ("hang", "reset", "no JSON", "401", "403", "429", "500")
}
"""What may befall a watch when it is begun, or a lease when it is renewed."""
