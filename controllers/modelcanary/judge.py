"""The judge of a run: takes in one block at a time and says what the evidence allows."""

import json
import math
from dataclasses import dataclass

import numpy as np

from controllers.api.modelcanary.spec import Effect, Guardrail, GuardrailType, ModelCanarySpec
from controllers.api.modelcanary.status import (
    CountEvidence,
    Evidence,
    GuardrailStatus,
    Phase,
    SplitCount,
)
from controllers.modelcanary import blocks, report
from controllers.modelcanary.blocks import Block
from controllers.modelcanary.bounds import bounds, counted, edges_each
from controllers.modelcanary.measure import Counts, declared, edges, measure, over_edges
from controllers.modelcanary.queries import Selector, counters, selector
from controllers.modelcanary.turn import Turn
from controllers.plan import Meta
from controllers.readings import Answered, Gap, Missing, Query, Value, complete, scalar
from controllers.stats import evidence as stats
from controllers.stats.mixture import combine_rollback
from controllers.stats.split import split as split_check

RESTART_SECONDS = 600.0
"""How often the rollback evidence is restarted within a step."""
PATIENCE = 3
"""Intervals to wait for all queries of a block before it is judged without the failed ones."""
RETRY_SECONDS = 2.0
_ASK_AGAIN = frozenset({Gap.FAILED, Gap.PARTIAL})
"""What may be answered better a moment later."""

Key = tuple[str, str]
Held = dict[Key, stats.Evidence]


@dataclass(frozen=True)
class Judgement:
    """What the evidence allows now."""

    judged: bool
    """Whether a block was measured in this look."""
    reason: str
    message: str
    holds: tuple[str, str] | None = None
    """Why no weight may be raised."""
    against: tuple[str, str] | None = None
    """Why all traffic must go back."""
    certified: bool = False
    """Whether every guardrail speaks for the release, with the promised certainty."""
    retry: float | None = None
    """Seconds until a failed query is sent again."""


def queries(meta: Meta, spec: ModelCanarySpec, evidence: Evidence, now: float) -> tuple[Query, ...]:
    """The queries of the next block, once it is over."""
    if blocks.wait(evidence, spec.analysis, now) > 0:
        return ()
    block = blocks.block(evidence, spec.analysis)
    asked = [_query(meta, spec, guardrail, block) for guardrail in spec.guardrails]
    return tuple(dict.fromkeys(query for query in asked if query is not None))


def _query(meta: Meta, spec: ModelCanarySpec, guardrail: Guardrail, block: Block) -> Query | None:
    if guardrail.type is GuardrailType.THRESHOLD:
        return Query(guardrail.query or "", block.until, block.max_age)
    which = selector(guardrail.preset, spec.arms, meta.namespace)
    return (
        counters(guardrail, which, block.window, block.until)
        if isinstance(which, Selector)
        else None
    )


def judge(turn: Turn) -> Judgement:
    """Take in the next block, if it was measured, and say what all the evidence allows."""
    judged, retry = _absorb(turn)
    return _conclude(turn, judged=judged, retry=retry)


def restart(spec: ModelCanarySpec, evidence: Evidence) -> Evidence:
    """The same with one more start of every count, and the split counted anew."""
    held = {key: one.restart() for key, one in load(spec, evidence).items()}
    return evidence.model_copy(update={"counts": _dump(held), "start": 0.0, "split": SplitCount()})


def certified(turn: Turn) -> bool:
    """Whether every counted guardrail is certified by the present evidence."""
    evidence = turn.status.evidence
    return evidence is not None and _certified(turn.spec, load(turn.spec, evidence))


def candidate_is_idle(turn: Turn) -> bool:
    """Whether a whole block since the weight was taken away shows no request of the candidate."""
    evidence = turn.status.evidence
    if evidence is None:
        return True
    block = blocks.block(evidence, turn.spec.analysis)
    for guardrail in counted(turn.spec):
        found = _measured(turn, guardrail, block)
        if found is None or isinstance(found, Missing):
            continue
        moved = evidence.model_copy(update={"instant": block.until, "tried": None})
        turn.set(evidence=moved)
        return block.since >= evidence.open_from and found.candidate == 0
    return False


def load(spec: ModelCanarySpec, evidence: Evidence) -> Held:
    """The evidence of every count, by guardrail and edge."""
    guardrails = {guardrail.name: guardrail for guardrail in spec.guardrails}
    return {
        (one.guardrail, one.edge): stats.Evidence.load(
            bounds(
                guardrails[one.guardrail],
                declared=one.edge == declared(guardrails[one.guardrail]),
            ),
            json.loads(one.data),
        )
        for one in evidence.counts
        if one.guardrail in guardrails
    }


def _dump(held: Held) -> tuple[CountEvidence, ...]:
    return tuple(
        CountEvidence(guardrail=name, edge=edge, data=json.dumps(one.dump(), separators=(",", ":")))
        for (name, edge), one in held.items()
    )


def _measured(turn: Turn, guardrail: Guardrail, block: Block) -> Counts | Missing | None:
    """The counts of a guardrail; None where nobody was asked."""
    query = _query(turn.meta, turn.spec, guardrail, block)
    answered = turn.seen.answers.get(query) if query is not None else None
    which = selector(guardrail.preset, turn.spec.arms, turn.meta.namespace)
    if answered is None or not isinstance(which, Selector):
        return None
    arms = (turn.other(turn.candidate.arm).name, turn.candidate.arm)
    return measure(guardrail, which, answered, block, arms)


def _absorb(turn: Turn) -> tuple[bool, float | None]:
    """Take in the next block: whether it was judged, and when to ask again if that failed."""
    evidence = turn.evidence
    if blocks.wait(evidence, turn.spec.analysis, turn.now) > 0:
        return False, None
    block = blocks.block(evidence, turn.spec.analysis)
    found = {g.name: _measured(turn, g, block) for g in counted(turn.spec)}
    if any(one is None for one in found.values()):
        return False, None
    measured = {name: one for name, one in found.items() if isinstance(one, Counts)}
    missing = {name: one for name, one in found.items() if isinstance(one, Missing)}
    overdue = turn.now - block.until > PATIENCE * turn.spec.analysis.interval
    failed = any(one.gap in _ASK_AGAIN for one in missing.values())
    if failed and (not measured or not overdue):
        report.missing(turn, missing)
        return False, RETRY_SECONDS
    if not measured:
        # Before the first measured block there is no base to count from: it begins later.
        tried = {"tried": block.until} if evidence.counts else {"instant": block.until}
        turn.set(evidence=evidence.model_copy(update=tried))
        report.missing(turn, missing)
        return False, None
    taken = evidence.model_copy(update={"instant": block.until, "tried": None})
    if block.since < evidence.open_from:
        turn.set(evidence=taken)
        return False, None
    return _take(turn, taken, block, measured, missing), None


def _take(
    turn: Turn,
    evidence: Evidence,
    block: Block,
    measured: dict[str, Counts],
    missing: dict[str, Missing],
) -> bool:
    """Add a measured block to the evidence; whether it was whole, with some traffic."""
    held = load(turn.spec, evidence)
    _add(turn, held, measured, missing)
    fixed = [guardrail for guardrail in turn.spec.guardrails if _fixed(guardrail)]
    thresholds = [_threshold(turn, guardrail, block, missing) for guardrail in fixed]
    idle = all(one.stable + one.candidate == 0 for one in measured.values())
    whole = not missing and not idle
    evidence = _pass_time(turn, evidence, block, whole=whole).model_copy(
        update={"counts": _dump(held), "split": _split(evidence, next(iter(measured.values())))}
    )
    if evidence.start >= RESTART_SECONDS:
        evidence = restart(turn.spec, evidence)
    turn.set(evidence=evidence)
    report.guardrails(turn, held, missing, thresholds)
    if missing:
        report.missing(turn, missing)
    elif idle:
        report.no_traffic(turn)
    else:
        report.measured(turn)
    return whole


def _add(turn: Turn, held: Held, measured: dict[str, Counts], missing: dict[str, Missing]) -> None:
    """Add the counts of a block; the first block of a guardrail only fixes its edges."""
    for guardrail in counted(turn.spec):
        counts = measured.get(guardrail.name)
        keys = [key for key in held if key[0] == guardrail.name]
        if counts is None:
            continue
        if not keys and (problem := _begin(turn, guardrail, counts, held)) is not None:
            missing[guardrail.name] = problem
        for key in keys:
            if key[1] in counts.bad:
                held[key] = held[key].add(counts.block(key[1]))


def _pass_time(turn: Turn, evidence: Evidence, block: Block, *, whole: bool) -> Evidence:
    """Count the time of a block that was measured whole; a gap it spans does not count."""
    span = min(float(block.until - block.since), turn.spec.analysis.interval) if whole else 0.0
    waiting = turn.status.phase in {Phase.PAUSED, Phase.HELD, Phase.INCONCLUSIVE}
    return evidence.model_copy(
        update={
            "run": evidence.run + (0.0 if waiting else span),
            "step": evidence.step + span,
            "start": evidence.start + span,
            "warned": evidence.warned and not whole,
        }
    )


def _split(evidence: Evidence, counts: Counts) -> SplitCount:
    return SplitCount(
        candidate=evidence.split.candidate + round(counts.candidate),
        both=evidence.split.both + round(counts.candidate + counts.stable),
    )


def _fixed(guardrail: Guardrail) -> bool:
    return guardrail.type is GuardrailType.THRESHOLD


def _begin(turn: Turn, guardrail: Guardrail, counts: Counts, held: Held) -> Missing | None:
    """Freeze the edges of a guardrail; its evidence begins with the next block."""
    chosen = edges(guardrail, counts, edges_each(turn.spec))
    if chosen is None:
        known = ", ".join(sorted(counts.bad, key=float))
        return Missing(
            Gap.ABSENT,
            f"spec.guardrails[{guardrail.name}].edge: the histogram has no edge at "
            f"{declared(guardrail)} ms; it has: {known}",
        )
    for edge in chosen:
        limits = bounds(guardrail, declared=edge == declared(guardrail))
        held[guardrail.name, edge] = stats.Evidence.begin(limits)
    return None


def _threshold(
    turn: Turn, guardrail: Guardrail, block: Block, missing: dict[str, Missing]
) -> GuardrailStatus:
    """The state of a threshold after a block; a missing value neither passes nor fails it."""
    query = Query(guardrail.query or "", block.until, block.max_age)
    answered: Answered = turn.seen.answers.get(query) or Missing(Gap.FAILED, "not asked")
    old = next((g for g in turn.status.guardrails if g.name == guardrail.name), None)
    failing = old.failing_for or 0.0 if old is not None else 0.0
    reading = scalar(complete(answered), block.until)
    if not isinstance(reading, Value):
        missing[guardrail.name] = reading
        return report.threshold(guardrail, reading, failing)
    below = guardrail.min is not None and reading.value < guardrail.min
    above = guardrail.max is not None and reading.value > guardrail.max
    length = min(float(block.until - block.since), turn.spec.analysis.interval)
    return report.threshold(guardrail, reading, failing + length if below or above else 0.0)


def _conclude(turn: Turn, *, judged: bool, retry: float | None) -> Judgement:
    held = load(turn.spec, turn.evidence)
    log_e = _against(turn.spec, held)
    message = report.headline(turn, log_e)
    regressed = log_e >= -math.log(turn.spec.error_budget.alpha)
    certain = _certified(turn.spec, held) and not regressed
    contradicted = _contradicted(turn)
    report.verdicts(turn, log_e, regressed=regressed, certain=certain)
    report.traffic(turn, contradicted=contradicted)
    against = ("Regressed", message) if regressed else _failed_threshold(turn)
    holds = report.holds(turn, contradicted=contradicted)
    reason, text = holds or ("AwaitingEvidence", message)
    return Judgement(judged, reason, text, holds, against, certain, retry)


def _certified(spec: ModelCanarySpec, held: Held) -> bool:
    needed = -math.log(spec.error_budget.beta)
    keys = [(guardrail.name, declared(guardrail)) for guardrail in counted(spec)]
    logs = [float(held[key].certify_log_e()) if key in held else -math.inf for key in keys]
    return bool(logs) and min(logs) >= needed


def _against(spec: ModelCanarySpec, held: Held) -> float:
    """The log e-value against the release: the mean over guardrails of the mean over edges."""
    logs = []
    for guardrail in counted(spec):
        mine = [
            float(one.rollback_log_e()) for (name, _), one in held.items() if name == guardrail.name
        ]
        logs.append(float(over_edges(mine)) if mine else -math.inf)
    return float(combine_rollback(np.array(logs)))


def _failed_threshold(turn: Turn) -> tuple[str, str] | None:
    for guardrail in turn.spec.guardrails:
        if not _fixed(guardrail) or guardrail.effect is not Effect.ROLLBACK:
            continue
        state = next((g for g in turn.status.guardrails if g.name == guardrail.name), None)
        if state is not None and (state.failing_for or 0.0) >= max(guardrail.for_, 1e-9):
            return "ThresholdFailed", state.message
    return None


def _contradicted(turn: Turn) -> bool:
    """Whether the requests are split otherwise than the route says; undecided at the ends."""
    weights, split = turn.weights, turn.evidence.split
    if not 0 < weights.applied < 100:
        return False
    return split_check(split.candidate, split.both, weights.applied / 100.0).contradicts
