"""Says in status what was measured and found, with the numbers that every decision rests on."""

import math
from collections.abc import Mapping

from controllers.api.base import go_duration
from controllers.api.modelcanary.spec import Guardrail
from controllers.api.modelcanary.status import Count, GuardrailStatus
from controllers.modelcanary import blocks
from controllers.modelcanary.bounds import counted
from controllers.modelcanary.measure import declared, over_edges
from controllers.modelcanary.turn import Turn
from controllers.readings import Gap, Missing, Reading, Value
from controllers.stats import evidence as stats
from controllers.stats.eta import Eta, Traffic, eta

_LARGEST = 1e9
"""An e-value above it says nothing more."""


def missing(turn: Turn, gaps: Mapping[str, Missing]) -> None:
    """Measurements are missing: say which and why; after the grace, in an event too."""
    evidence = turn.evidence
    name, gap = next(iter(gaps.items()))
    blind = (
        turn.now - evidence.instant - turn.spec.analysis.interval - blocks.lag(turn.spec.analysis)
    )
    message = f"guardrail {name}: {_with_fix(gap)}"
    turn.condition("MetricsAvailable", gap.gap.value, message, value=False)
    old = {one.name: one for one in turn.status.guardrails}
    told = [
        old.get(one.name, _blank(one)).model_copy(
            update={"state": gaps[one.name].gap.value, "message": gaps[one.name].detail[:256]}
        )
        if one.name in gaps
        else old.get(one.name, _blank(one))
        for one in turn.spec.guardrails
    ]
    turn.set(guardrails=tuple(told))
    if blind >= turn.spec.no_data.grace and not evidence.warned:
        turn.set(evidence=evidence.model_copy(update={"warned": True}))
        turn.say(
            "MetricsMissing",
            f"no measurement for {go_duration(round(blind))}: {message}; the weight is held",
            warning=True,
        )


_FIXES = {
    Gap.FAILED: "is --prometheus-url right, and does Prometheus answer?",
    Gap.ABSENT: "is the preset or the query right, and are its metrics scraped?",
    Gap.STALE: "is the target still scraped, and spec.analysis.scrapeInterval as in Prometheus?",
    Gap.NOT_FINITE: "does the query divide by zero?",
    Gap.AMBIGUOUS: "aggregate the query to one series",
    Gap.PARTIAL: "does a part of Prometheus, such as one of its stores, not answer?",
}


def _with_fix(gap: Missing) -> str:
    """What is missing and what to look at; a problem of the spec names its own fix."""
    return gap.detail if gap.detail.startswith("spec.") else f"{gap.detail}: {_FIXES[gap.gap]}"


def no_traffic(turn: Turn) -> None:
    """The counters are there and stand still."""
    turn.condition("MetricsAvailable", "NoTraffic", "neither arm had a request", value=False)


def measured(turn: Turn) -> None:
    """Every guardrail was measured."""
    turn.condition("MetricsAvailable", "Measured", value=True)


def _blank(guardrail: Guardrail) -> GuardrailStatus:
    return GuardrailStatus(name=guardrail.name, state="Testing")


def guardrails(
    turn: Turn,
    held: Mapping[tuple[str, str], stats.Evidence],
    gaps: Mapping[str, Missing],
    thresholds: list[GuardrailStatus],
) -> None:
    """The state of every guardrail after a block."""
    fixed = {one.name: one for one in thresholds}
    told = []
    for guardrail in turn.spec.guardrails:
        evidence = held.get((guardrail.name, declared(guardrail)))
        if guardrail.name in fixed:
            told.append(fixed[guardrail.name])
        elif evidence is None:
            told.append(_blank(guardrail))
        else:
            told.append(_count(turn, guardrail, evidence, held))
        if guardrail.name in gaps:
            gap = gaps[guardrail.name]
            told[-1] = told[-1].model_copy(
                update={"state": gap.gap.value, "message": gap.detail[:256]}
            )
    turn.set(guardrails=tuple(told))


def _count(
    turn: Turn,
    guardrail: Guardrail,
    evidence: stats.Evidence,
    held: Mapping[tuple[str, str], stats.Evidence],
) -> GuardrailStatus:
    budget = turn.spec.error_budget
    stable = Count(
        requests=round(float(evidence.stable_requests)), bad=round(float(evidence.stable_bad))
    )
    candidate = Count(
        requests=round(float(evidence.requests[0])), bad=round(float(evidence.bad[0]))
    )
    edges = [
        float(one.rollback_log_e()) for (name, _), one in held.items() if name == guardrail.name
    ]
    rollback = float(over_edges(edges))
    certify = float(evidence.certify_log_e())
    certain = certify >= -math.log(budget.beta)
    state = "Certified" if certain else "Testing"
    if rollback >= -math.log(budget.alpha):
        state = "Regressed"
    found = evidence.interval(budget.alpha)
    lately = Count(requests=round(float(evidence.requests[-1])), bad=round(float(evidence.bad[-1])))
    ratio = evidence.estimate()
    left = None if certain else _eta(turn, evidence, stable, candidate)
    return GuardrailStatus(
        name=guardrail.name,
        state=state,
        stable=stable,
        candidate=candidate,
        ratio=ratio,
        ratio_low=found.low,
        ratio_high=found.high,
        rollback_evidence=min(_LARGEST, math.exp(min(rollback, 50.0))),
        certify_evidence=min(_LARGEST, math.exp(min(certify, 50.0))),
        eta_requests=None if left is None else math.ceil(left.candidate_requests),
        eta=None if left is None else _seconds(left),
        lately=None if evidence.begun == 1 else lately,
    )


def sentence(turn: Turn, one: GuardrailStatus) -> str:
    """What is known about a counted guardrail, in a sentence."""
    budget = turn.spec.error_budget
    if one.candidate is None or one.stable is None:
        return one.message
    shown = [f"candidate {_share(one.candidate)}, stable {_share(one.stable)}"]
    if one.ratio is not None:
        low = "0" if one.ratio_low is None else f"{one.ratio_low:.2f}"
        high = "∞" if one.ratio_high is None else f"{one.ratio_high:.2f}"
        shown.append(f"ratio {one.ratio:.2f} [{low}, {high}]")
    if one.lately is not None and (one.rollback_evidence or 0.0) > 1.0:
        shown.append(f"lately {one.lately.bad} of {one.lately.requests} bad")
    shown.append(f"against it {one.rollback_evidence or 0.0:.3g} of {1 / budget.alpha:.0f}")
    shown.append(f"for it {one.certify_evidence or 0.0:.3g} of {1 / budget.beta:.0f}")
    if one.eta is not None:
        shown.append(f"about {go_duration(one.eta)} left")
    return "; ".join(shown)


def _seconds(left: Eta) -> float:
    return float(math.ceil(min(60.0 * left.minutes, 86_400.0 * 365)))


def _e(log_e: float) -> str:
    """An e-value as people read it."""
    return f"{math.exp(log_e):.3g}" if log_e < 20 else f"e^{log_e:.0f}"


def _share(count: Count) -> str:
    if not count.requests:
        return "no requests"
    return f"{100 * count.bad / count.requests:.2f} % of {count.requests}"


def _eta(turn: Turn, evidence: stats.Evidence, stable: Count, candidate: Count) -> Eta | None:
    """What a certificate still needs at the traffic that was seen in this run at this weight."""
    split, seconds = turn.evidence.split, turn.evidence.start
    if not (split.both and split.candidate and seconds and stable.requests and candidate.requests):
        return None
    traffic = Traffic(
        candidate_rate=candidate.bad / candidate.requests,
        stable_rate=stable.bad / stable.requests,
        share=split.candidate / split.both,
        per_second=split.both / seconds,
    )
    by_rate, by_ratio = evidence.certify_parts()
    return eta(
        traffic, evidence.bounds, turn.spec.error_budget.beta, (float(by_rate), float(by_ratio))
    )


def threshold(guardrail: Guardrail, reading: Reading, failing: float) -> GuardrailStatus:
    """The state of a threshold: passing, failing since when, or why there is no value."""
    limits = " and ".join(
        f"{word} {limit:g}"
        for word, limit in (("at least", guardrail.min), ("at most", guardrail.max))
        if limit is not None
    )
    if not isinstance(reading, Value):
        return GuardrailStatus(
            name=guardrail.name,
            state=reading.gap.value,
            failing_for=failing,
            message=f"{reading.detail} (must be {limits})"[:256],
        )
    return GuardrailStatus(
        name=guardrail.name,
        state="Failing" if failing else "Passing",
        value=max(-_LARGEST, min(_LARGEST, reading.value)),
        failing_for=failing,
        message=f"{guardrail.name} is {reading.value:.6g}, must be {limits}"
        + (f"; failing for {go_duration(round(failing))}" if failing else ""),
    )


def headline(turn: Turn, log_e: float) -> str:
    """The numbers of all counted guardrails in one sentence, the worst first."""
    names = {guardrail.name for guardrail in counted(turn.spec)}
    told = sorted(
        (one for one in turn.status.guardrails if one.name in names),
        key=lambda one: -(one.rollback_evidence or 0.0),
    )
    sentences = {one.name: sentence(turn, one) for one in told}
    parts = [f"{name}: {text}" for name, text in sentences.items() if text]
    if len(parts) > 1:
        parts.insert(
            0, f"evidence against it {_e(log_e)} of {1 / turn.spec.error_budget.alpha:.0f}"
        )
    return "; ".join(parts) or "no measurement yet"


def verdicts(turn: Turn, log_e: float, *, regressed: bool, certain: bool) -> None:
    """The conditions that say what the evidence means."""
    budget = turn.spec.error_budget
    against = f"evidence {_e(log_e)} of {1 / budget.alpha:.0f}"
    turn.condition("Regressed", "Evidence" if regressed else "NoEvidence", against, value=regressed)
    speaking = ", ".join(
        f"{one.name} {one.certify_evidence:.3g}"
        for one in turn.status.guardrails
        if one.certify_evidence is not None
    )
    turn.condition(
        "Certified",
        "Evidence" if certain else "AwaitingEvidence",
        f"evidence {speaking or 'none'} of {1 / budget.beta:.0f}",
        value=certain,
    )
    waits = [one.eta for one in turn.status.guardrails if one.eta is not None]
    unknown = any(
        one.state == "Testing" and one.eta is None
        for one in turn.status.guardrails
        if one.candidate is not None
    )
    turn.set(eta=None if certain or unknown or not waits else max(waits))


def traffic(turn: Turn, *, contradicted: bool) -> None:
    """Whether the requests are split as the route says."""
    evidence, weights = turn.evidence, turn.weights
    split = evidence.split
    if not split.both or not 0 < weights.applied < 100:
        turn.condition(
            "TrafficApplied", "NotObserved", "no requests since the weight moved", value=None
        )
        return
    observed = 100.0 * split.candidate / split.both
    turn.set(weights=weights.model_copy(update={"observed": round(observed, 2)}))
    message = f"{observed:.1f} % of {split.both} requests, the route says {weights.applied} %"
    reason = "SplitDiffers" if contradicted else "SplitObserved"
    turn.condition("TrafficApplied", reason, message, value=not contradicted)


def holds(turn: Turn, *, contradicted: bool) -> tuple[str, str] | None:
    """Why no weight may be raised now, the gravest first; None when nothing speaks against it."""
    status = turn.status
    told = {condition.type: condition for condition in status.conditions}
    available = told.get("MetricsAvailable")
    if available is None or available.status != "True":
        text = "no measurement yet" if available is None else available.message
        return ("Blind" if available is None else available.reason), text
    if contradicted:
        return "SplitDiffers", told["TrafficApplied"].message
    candidate = status.candidate
    if candidate is not None and not turn.seen.ready.get(candidate.arm, 1):
        return "CandidateUnavailable", f"arm {candidate.arm} has no ready replica"
    for one in status.guardrails:
        if one.state in {"Failing", *(gap.value for gap in Gap)}:
            return f"Guardrail{one.state}", f"{one.name}: {one.message}"
    requests = max(
        (one.candidate.requests for one in status.guardrails if one.candidate), default=0
    )
    if status.step and requests < turn.spec.no_data.min_candidate_requests:
        wanted = turn.spec.no_data.min_candidate_requests
        return "FewRequests", f"the candidate has answered {requests} of at least {wanted} requests"
    return None
