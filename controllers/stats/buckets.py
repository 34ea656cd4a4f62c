"""Counts of answers slower than each edge, from the growth of histogram buckets."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic

from controllers.readings import Gap, Missing
from controllers.stats.growth import Growth, Key, Labels


@dataclass(frozen=True)
class Slower(Generic[Key]):
    """Per arm, how many answers there were and how many were slower than each edge; exact."""

    edges: tuple[float, ...]
    """The finite edges that every histogram has, ascending, in the metric's own unit."""
    total: dict[Key, float]
    counts: dict[Key, dict[float, float]]


def slower(grown: Growth, arm: Callable[[Labels], Key | None]) -> Slower[Key] | Missing:
    """The slow answers per arm; ``arm`` names it from the labels, None leaves a series out.

    Edges are matched as numbers ("0.5" is "0.50"); only those that all histograms of all arms have
    count, since elsewhere an arm's count would be of another question.
    """
    edges_of: dict[Hashable, set[float]] = defaultdict(set)
    buckets: dict[Key, dict[float, float]] = {}
    for labels, amount in zip(grown.labels, grown.amounts, strict=True):
        group = arm(labels)
        if group is None:
            continue
        edge = _edge(labels)
        if edge is None:
            return Missing(
                Gap.ABSENT, f"not a histogram bucket, le is missing or no number: {dict(labels)}"
            )
        edges_of[frozenset((k, v) for k, v in labels.items() if k != "le")].add(edge)
        held = buckets.setdefault(group, {})
        held[edge] = held.get(edge, 0.0) + float(amount)
    if not buckets:
        return Missing(Gap.ABSENT, "no histogram bucket belongs to an arm")
    common = set.intersection(*edges_of.values())
    if math.inf not in common:
        return Missing(Gap.ABSENT, 'a histogram has no bucket le="+Inf"')
    edges = tuple(sorted(common - {math.inf}))
    total = {group: held[math.inf] for group, held in buckets.items()}
    # An exporter that does not read its buckets at one moment can count an answer early.
    counts = {
        group: {edge: max(total[group] - held[edge], 0.0) for edge in edges}
        for group, held in buckets.items()
    }
    return Slower(edges, total, counts)


def _edge(labels: Labels) -> float | None:
    try:
        edge = float(labels["le"])
    except (KeyError, ValueError):
        return None
    return None if math.isnan(edge) else edge
