"""What each signal says now: a value that can be relied on, or why there is none."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers.api.base import decimal, go_duration
from controllers.api.inferenceautoscaler.spec import Role, Scope, Signal
from controllers.api.inferenceautoscaler.status import Health, SignalStatus
from controllers.inferenceautoscaler.queries import EDGE_SECONDS, Asking, Group, edge
from controllers.inferenceautoscaler.seen import Pod
from controllers.readings import Answer, Answered, Gap, Missing, Query, Series, Value, scalar

COMPLETE = 0.75
"""The share of the samples expected below which some of what is counted is missing."""
HUGE = 1e9
"""What no load of one target is above, and more than status can say: the query is wrong."""
FADE = 0.998
"""How fast, per decision, fewer samples than before are taken for all there are."""

_HEALTH = {
    Gap.ABSENT: Health.ABSENT,
    Gap.STALE: Health.STALE,
    Gap.NOT_FINITE: Health.NOT_FINITE,
    Gap.FAILED: Health.FAILED,
    Gap.AMBIGUOUS: Health.AMBIGUOUS,
}


@dataclass(frozen=True)
class Measured:
    """One signal at one instant."""

    signal: Signal
    status: SignalStatus
    value: float | None = None
    """None: not known. A value may come with health Partial: then it is a lower bound."""
    lately: float | None = None
    """Demand over half of the window."""
    throughput: float | None = None
    """Requests per second that were answered, where that is not what arrives."""

    @property
    def ok(self) -> bool:
        """Whether the value is there and complete."""
        return self.status.health is Health.OK


def measure(
    asked: Asking,
    answers: Mapping[Query, Answered],
    pods: Sequence[Pod],
    namespace: str,
    share: float,
    before: SignalStatus | None,
) -> Measured:
    """What the answers say about one signal.

    ``share`` is the part of the route's traffic that is the target's, from 0 to 1; ``before`` is
    what was said at the last instant.
    """
    found = _measure(asked, answers, pods, namespace, share, before)
    absent = found.status.health is Health.ABSENT and asked.group is not None and asked.group.pods
    if not absent or any(_known(pod, asked) for pod in pods):
        return found
    words = "no replica has been ready for long enough to be scraped"
    return Measured(signal=found.signal, status=found.status.model_copy(
        update={"health": Health.WARMING, "message": words}
    ))  # fmt: skip


def _known(pod: Pod, asked: Asking) -> bool:
    """Whether a replica is ready for long enough that it ought to be scraped."""
    return pod.ready_at is not None and pod.ready_at <= asked.known_by


def _measure(
    asked: Asking,
    answers: Mapping[Query, Answered],
    pods: Sequence[Pod],
    namespace: str,
    share: float,
    before: SignalStatus | None,
) -> Measured:
    signal, group = asked.signal, _with_pods(asked.group, pods, namespace)
    answered = answers[asked.value]
    warned = _warned(answered)
    if signal.role is Role.LATENCY and signal.preset is not None and group is not None:
        return _latency(signal, answered, group) if not warned else Measured(
            signal, SignalStatus(name=signal.name, health=Health.PARTIAL, message=warned)
        )  # fmt: skip
    value = _value(answered, group, asked.value.at, highest=signal.role is Role.GUARD)
    if isinstance(value, Missing):
        return Measured(signal, _missing(signal, value, before))
    value, factor = _scoped(signal, value, share), _scoped(signal, 1.0, share)
    status = SignalStatus(name=signal.name, health=Health.OK, value=value)
    status = _complete(status, asked, answers, group, pods, before)
    if warned and status.health is Health.OK:
        status = status.model_copy(update={"health": Health.PARTIAL, "message": warned})
    return Measured(
        signal,
        status,
        value,
        lately=_scaled(asked.lately, answers, group, factor),
        throughput=_scaled(asked.throughput, answers, group, factor),
    )


def _warned(answered: Answered) -> str:
    """What Prometheus itself says against its answer; its hints on the names of counters aside."""
    if isinstance(answered, Missing):
        return ""
    return "; ".join(one for one in answered.warnings if not one.startswith("PromQL info"))[:200]


def _with_pods(group: Group | None, pods: Sequence[Pod], namespace: str) -> Group | None:
    if group is None or not group.pods:
        return group
    return Group(group.labels, frozenset((namespace, pod.name) for pod in pods), pods=True)


def _value(
    answered: Answered, group: Group | None, at: float, *, highest: bool = False
) -> float | Missing:
    """The one number of an answer: its sum over the target's series, or the highest of them."""
    if isinstance(answered, Missing):
        return answered
    if group is None:
        read = scalar(answered, at)
        if isinstance(read, Value) and read.value < 0:
            return Missing(Gap.NOT_FINITE, f"the value is {decimal(read.value)}: below zero")
        if isinstance(read, Value) and read.value > HUGE:
            return Missing(Gap.NOT_FINITE, f"the value is {read.value:g}: above {HUGE:g}")
        return read.value if isinstance(read, Value) else read
    if group.pods and not group.keys:
        return 0.0  # Without a pod there is nothing that one could be working on.
    found = [float(one.values[-1]) for one in _series(answered, group)]
    if not found:
        return Missing(Gap.ABSENT, f"no series with {_labels(group)}")
    if not all(abs(one) <= HUGE for one in found):
        return Missing(Gap.NOT_FINITE, f"a sample with {_labels(group)} is not a number")
    return max(found) if highest else max(sum(found), 0.0)


def _series(answer: Answer, group: Group) -> list[Series]:
    by = answer.by(*group.labels)
    return [one for key in group.keys for one in by.get(key, ())]


def _labels(group: Group) -> str:
    """One of the label sets that were looked for."""
    values = min(group.keys)
    return ", ".join(f'{name}="{value}"' for name, value in zip(group.labels, values, strict=True))


def _scoped(signal: Signal, value: float, share: float) -> float:
    guard = signal.role in {Role.GUARD, Role.LATENCY}
    return value * share if signal.scope is Scope.ROUTE and not guard else value


def _scaled(
    query: Query | None, answers: Mapping[Query, Answered], group: Group | None, factor: float
) -> float | None:
    if query is None:
        return None
    value = _value(answers[query], group, query.at)
    return None if isinstance(value, Missing) else value * factor


def _complete(
    status: SignalStatus,
    asked: Asking,
    answers: Mapping[Query, Answered],
    group: Group | None,
    pods: Sequence[Pod],
    before: SignalStatus | None,
) -> SignalStatus:
    """``status`` with how complete the value is."""
    if group is not None and group.pods:
        answer = answers[asked.value]
        names = set() if isinstance(answer, Missing) else {
            one.labels.get("pod") for one in _series(answer, group)
        }  # fmt: skip
        silent = [pod for pod in pods if pod.ready_at is not None and pod.name not in names]
        if silent:
            return status.model_copy(update=_silent(silent, asked))
    if asked.samples is None:
        return status
    samples = _value(answers[asked.samples], group, asked.samples.at)
    if isinstance(samples, Missing):
        return status.model_copy(
            update={"health": Health.PARTIAL, "message": f"samples: {samples.detail}"[:200]}
        )
    usual = (before.expected or 0.0) if before else 0.0
    expected = max(samples, FADE * usual)
    update: dict[str, object] = {"expected": expected}
    if samples < COMPLETE * expected:
        update["health"] = Health.PARTIAL
        update["message"] = f"{samples:.0f} samples where there were {expected:.0f} lately"
    return status.model_copy(update=update)


def _silent(silent: Sequence[Pod], asked: Asking) -> dict[str, object]:
    """What is said where replicas that are ready are not among what was scraped."""
    known = any(_known(pod, asked) for pod in silent)
    words = "are not scraped" if known else "have only just got ready and are not scraped yet"
    name = min(pod.name for pod in silent)
    return {
        "health": Health.PARTIAL if known else Health.WARMING,
        "message": f"{len(silent)} ready pods {words}, such as {name}"[:200],
    }


def _missing(signal: Signal, missing: Missing, before: SignalStatus | None) -> SignalStatus:
    return SignalStatus(
        name=signal.name,
        health=_HEALTH[missing.gap],
        expected=before.expected if before else None,
        message=missing.detail[:200],
    )


def _latency(signal: Signal, answered: Answered, group: Group) -> Measured:
    """The share of answers within the limit, from the histogram's own buckets; none without any."""
    if isinstance(answered, Missing):
        return Measured(signal, _missing(signal, answered, None))
    if group.pods and not group.keys:
        return Measured(signal, SignalStatus(name=signal.name, health=Health.OK))
    counts: dict[float, float] = {}
    for one in _series(answered, group):
        at = edge(one.labels.get("le", ""))
        counts[at] = counts.get(at, 0.0) + float(one.values[-1])
    total = counts.get(math.inf)
    if total is None:
        return Measured(signal, _missing(signal, Missing(
            Gap.ABSENT, f"no histogram with {_labels(group)}"
        ), None))  # fmt: skip
    if signal.preset is None or signal.limit is None:
        raise LookupError("a Latency signal with a preset has a limit")
    limit = signal.limit / EDGE_SECONDS[signal.preset]
    within = next((n for at, n in counts.items() if math.isclose(at, limit, rel_tol=1e-6)), None)
    if within is None:
        known = ", ".join(
            go_duration(at * EDGE_SECONDS[signal.preset])
            for at in sorted(counts) if math.isfinite(at)
        )  # fmt: skip
        return Measured(signal, _missing(signal, Missing(Gap.ABSENT, (
            f"limit {go_duration(signal.limit)} is no edge of the histogram; there are {known}"
        )), None))  # fmt: skip
    if not math.isfinite(total) or total <= 0:
        return Measured(signal, SignalStatus(name=signal.name, health=Health.OK))
    met = min(within / total, 1.0)
    status = SignalStatus(name=signal.name, health=Health.OK, value=met)
    return Measured(signal, status, met)
