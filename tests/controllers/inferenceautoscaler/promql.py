"""As much PromQL as the autoscaler's presets are written in, on samples kept in memory."""

import bisect
import itertools
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from controllers.readings import Answer, Series

Labels = tuple[tuple[str, str], ...]
Samples = Mapping[Labels, list[tuple[float, float]]]
Vector = dict[Labels, float]

_TOKEN = re.compile(
    r"(?P<number>[0-9.]+)(?![0-9.]*s)|(?P<span>[0-9]+)s|(?P<op>[-+/()]|or\b|offset\b)"
    r"|(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<match>[^}]*)\})?(?:\[(?P<range>[0-9]+)s\])?|\s+"
)
_WHOLE = re.compile(r"(sum|max) by \((.*?)\) \((.*)\)")


def evaluate(text: str, samples: Samples, at: float, lookback: float) -> Answer:
    """What Prometheus says to ``text`` at one instant."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise AssertionError(f"no such PromQL here: {text}")
    by = [name.strip() for name in found[2].split(",")]
    vector = _Reader(found[3], samples, at, lookback).whole()
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        known = dict(labels)
        key = tuple((name, known[name]) for name in by if name in known)
        groups.setdefault(key, []).append(value)
    fold: Callable[[Iterable[float]], float] = sum if found[1] == "sum" else max
    return Answer(
        tuple(
            Series(dict(key), np.array([at]), np.array([float(fold(values))]))
            for key, values in groups.items()
        )
    )


class _Reader:
    """Reads one expression from left to right: or, then plus and minus, then division."""

    def __init__(self, text: str, samples: Samples, at: float, lookback: float) -> None:
        self._tokens = [one for one in _TOKEN.finditer(text) if one.group().strip()]
        self._samples, self._at, self._lookback = samples, at, lookback

    def whole(self) -> Vector:
        left = self._sum()
        while self._next("or"):
            left = {**self._sum(), **left}
        assert not self._tokens, f"not read: {[one.group() for one in self._tokens]}"
        assert isinstance(left, dict)
        return left

    def _next(self, *operators: str) -> str:
        if self._tokens and self._tokens[0]["op"] in operators:
            return self._tokens.pop(0).group()
        return ""

    def _sum(self) -> Vector:
        left = self._quotient()
        while sign := self._next("+", "-"):
            right = self._quotient()
            factor = 1.0 if sign == "+" else -1.0
            left = {key: left[key] + factor * right[key] for key in left.keys() & right.keys()}
        return left

    def _quotient(self) -> Vector:
        left = self._atom()
        while self._next("/"):
            divisor = float(self._tokens.pop(0)["number"])
            left = {key: value / divisor for key, value in left.items()}
        return left

    def _atom(self) -> Vector:
        if self._next("("):
            inner = self._sum()
            assert self._next(")")
            return inner
        token = self._tokens.pop(0)
        if token["name"] in {"rate", "count_over_time"}:
            assert self._next("(")
            ranged = self._tokens.pop(0)
            assert self._next(")")
            over = _rate if token["name"] == "rate" else _count
            return self._each(ranged, float(ranged["range"]), self._at, over)
        at = self._at
        if self._next("offset"):
            at -= float(self._tokens.pop(0)["span"])
        return self._each(token, self._lookback, at, _last)

    def _each(
        self,
        token: re.Match[str],
        window: float,
        at: float,
        over: Callable[[list[tuple[float, float]], float, float], float | None],
    ) -> Vector:
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', token["match"] or ""))
        vector: Vector = {}
        for labels, kept in self._samples.items():
            if ("__name__", token["name"]) not in labels:
                continue
            known = {name: value for name, value in labels if name != "__name__"}
            if any(known.get(name) != value for name, value in wanted.items()):
                continue
            first = bisect.bisect_right(kept, (at - window, np.inf))
            inside = kept[first : bisect.bisect_right(kept, (at, np.inf))]
            value = over(inside, at - window, at) if inside else None
            if value is not None:
                vector[tuple(sorted(known.items()))] = value
        return vector


def _last(inside: list[tuple[float, float]], _start: float, _end: float) -> float | None:
    return inside[-1][1]


def _count(inside: list[tuple[float, float]], _start: float, _end: float) -> float | None:
    return float(len(inside))


def _rate(inside: list[tuple[float, float]], start: float, end: float) -> float | None:
    """The increase with Prometheus' own extrapolation, counter resets added, per second."""
    if len(inside) < 2:
        return None
    values = [value for _, value in inside]
    increase = sum(b - a if b >= a else b for a, b in itertools.pairwise(values))
    covered = inside[-1][0] - inside[0][0]
    gap = covered / (len(inside) - 1)
    before, after = inside[0][0] - start, end - inside[-1][0]
    if increase > 0 and values[0] >= 0:
        before = min(before, covered * values[0] / increase)
    reach = covered + sum(one if one < 1.1 * gap else gap / 2.0 for one in (before, after))
    return increase * (reach / covered) / (end - start)
