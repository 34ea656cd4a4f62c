"""How much longer a certificate is expected to take, if the release is as good as it looks."""

import math
from dataclasses import dataclass

from controllers.stats.evidence import Bounds

MIXTURE_COST = 1.0
"""Nats that a mixture gives away for not knowing the ratio beforehand."""


@dataclass(frozen=True)
class Traffic:
    """What is expected of the traffic until the certificate."""

    candidate_rate: float
    """The candidate's share of bad answers."""
    stable_rate: float
    """Stable's share of bad answers."""
    share: float
    """The candidate's share of the requests."""
    per_second: float
    """Requests per second of both arms together."""


@dataclass(frozen=True)
class Eta:
    """What is still expected to be needed."""

    bad: float
    """Bad answers of both arms."""
    requests: float
    """Requests of both arms."""
    candidate_requests: float
    minutes: float


def eta(
    traffic: Traffic,
    bounds: Bounds,
    beta: float,
    log_es: tuple[float, float] = (0.0, 0.0),
) -> Eta | None:
    """The expectation from here, given the log e-values (rate, ratio) reached; None: never.

    Each route needs ln(1/beta) nats, ln(2/beta) where it is averaged with the other. A bad answer
    gives the divergence between the candidate's share of bad answers as it is and as it would be
    at the margin: q ln(r/r1) + ln((1-s+s r1)/(1-s+s r)) with q = s r/(1-s+s r); a candidate request
    gives that between its rate and the floor. The shorter route counts.
    """
    by_rate, by_ratio = log_es
    needed = math.log((2.0 if bounds.floor > 0.0 else 1.0) / beta)
    routes = [
        _remaining(needed, by_ratio, _nats_by_ratio(traffic, bounds.margin)),
        _remaining(needed, by_rate, _nats_by_rate(traffic, bounds.floor)),
    ]
    open_routes = [requests for requests in routes if requests is not None]
    if not open_routes or traffic.per_second <= 0.0:
        return None
    requests = min(open_routes)
    bad_rate = traffic.share * traffic.candidate_rate + (1.0 - traffic.share) * traffic.stable_rate
    return Eta(
        bad=requests * bad_rate,
        requests=requests,
        candidate_requests=requests * traffic.share,
        minutes=requests / traffic.per_second / 60.0,
    )


def _remaining(needed: float, log_e: float, nats: float) -> float | None:
    """Requests to the needed evidence at so many nats per request of either arm."""
    if log_e >= needed:
        return 0.0
    if nats <= 0.0:
        return None
    # What the mixture costs is paid in proportion to the evidence it has gathered.
    return (needed - log_e) * (1.0 + MIXTURE_COST / needed) / nats


def _nats_by_ratio(traffic: Traffic, margin: float) -> float:
    share, stable = traffic.share, traffic.stable_rate
    if stable <= 0.0 or not 0.0 < share < 1.0:
        return 0.0
    ratio = traffic.candidate_rate / stable
    if ratio >= margin:
        return 0.0
    bad_rate = stable * (1.0 - share + share * ratio)
    per_bad = math.log((1.0 - share + share * margin) / (1.0 - share + share * ratio))
    if ratio > 0.0:
        in_candidate = share * ratio / (1.0 - share + share * ratio)
        per_bad += in_candidate * math.log(ratio / margin)
    return bad_rate * per_bad


def _nats_by_rate(traffic: Traffic, floor: float) -> float:
    rate = traffic.candidate_rate
    if rate >= floor:
        return 0.0
    per_request = (1.0 - rate) * math.log((1.0 - rate) / (1.0 - floor))
    if rate > 0.0:
        per_request += rate * math.log(rate / floor)
    return traffic.share * per_request
