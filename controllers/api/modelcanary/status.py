"""What a ModelCanary tells its users."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.base import Conditions, Decimal, Duration, Instant, Model, Timestamp
from controllers.api.modelcanary.spec import Percent


class Phase(StrEnum):
    """Where a canary stands."""

    PENDING = "Pending"
    SETTLED = "Settled"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    HELD = "Held"
    CERTIFYING = "Certifying"
    INCONCLUSIVE = "Inconclusive"
    PROMOTING = "Promoting"
    PROMOTED = "Promoted"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"


class Verdict(StrEnum):
    """What was found about the release, in the words that every judging kind uses."""

    PASS = "Pass"  # noqa: S105 - a verdict
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"


class Weights(Model):
    """The share of the traffic of one arm."""

    arm: Annotated[str, Field(max_length=63)]
    """The arm the numbers are about: the released one."""
    desired: Percent
    """What the route shall say; on record before the route is written."""
    applied: Percent
    """What the route was last seen to say."""
    observed: Decimal | None = None
    """What the requests since the last change of weight show, in percent."""


class Count(Model):
    """Answers of one arm in this run."""

    requests: Annotated[int, Field(ge=0)] = 0
    """How many there were."""
    bad: Annotated[int, Field(ge=0)] = 0
    """How many of them were bad."""


class GuardrailStatus(Model):
    """What is known about one guardrail in this run."""

    name: Annotated[str, Field(max_length=63)]
    """The guardrail."""
    state: Annotated[str, Field(max_length=63)]
    """Testing, Certified, Regressed, Passing, Failing, or why there is no measurement."""
    stable: Count | None = None
    """The counts of the stable arm."""
    candidate: Count | None = None
    """The counts of the candidate."""
    lately: Count | None = None
    """The candidate's counts since the rollback evidence was last restarted."""
    ratio: Decimal | None = None
    """The candidate's bad share over stable's."""
    ratio_low: Decimal | None = None
    """Lower end of the interval that holds the true ratio at every look with probability 1 - alpha."""
    ratio_high: Decimal | None = None
    """Upper end of that interval."""
    rollback_evidence: Decimal | None = None
    """The e-value against the release; its mean over the guardrails rolls back at 1/alpha."""
    certify_evidence: Decimal | None = None
    """The e-value for the release; certified at 1/beta."""
    eta_requests: Annotated[int, Field(ge=0)] | None = None
    """Requests of the candidate that a certificate is expected to need from here, if it is as good as it looks."""
    eta: Duration | None = None
    """The same in time at the present traffic."""
    value: Decimal | None = None
    """Threshold: the value of the query."""
    failing_for: Duration | None = None
    """Threshold: how long it has failed."""
    message: Annotated[str, Field(max_length=256)] = ""
    """Why there is no measurement, or how a threshold compares."""


class CountEvidence(Model):
    """The evidence of one count, in the compact form it is resumed from."""

    guardrail: Annotated[str, Field(max_length=63)]
    """The guardrail it belongs to."""
    edge: Annotated[str, Field(max_length=24)] = ""
    """Latency: the bucket edge in the metric's own unit."""
    data: Annotated[str, Field(max_length=2048)]
    """Counts, starts and log-likelihood vectors."""


class SplitCount(Model):
    """How the requests were really split."""

    candidate: Annotated[int, Field(ge=0)] = 0
    """Requests of the candidate."""
    both: Annotated[int, Field(ge=0)] = 0
    """Requests of both arms."""


class Leaving(Model):
    """How far the return of the traffic is, while the object is being deleted."""

    attempts: Annotated[int, Field(ge=0)] = 0
    """How often this process looked."""
    at: Instant = 0
    """When it last did."""


class Evidence(Model):
    """Where the judge stands; with the Prometheus history it gives the same verdict again."""

    instant: Instant
    """The last evaluation instant: all samples up to it have been judged."""
    tried: Instant | None = None
    """The last instant that was tried in vain since then, while there is no measurement."""
    open_from: Instant = 0
    """Blocks that begin before this instant are dropped, because the weight was moving."""
    run: Duration = 0.0
    """Judged time in this run that was not spent waiting for a person."""
    step: Duration = 0.0
    """Judged time at this weight."""
    start: Duration = 0.0
    """Judged time since the rollback evidence was last restarted."""
    warned: bool = False
    """Whether a Warning event was sent about missing measurements."""
    split: SplitCount = SplitCount()
    """Requests since the evidence was last restarted."""
    counts: Annotated[
        tuple[CountEvidence, ...],
        Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """One entry per count."""


class Happening(Model):
    """One line of what happened."""

    at: Timestamp
    """When."""
    run: Annotated[int, Field(ge=0)]
    """In which run."""
    weight: Percent
    """The released arm's share at that time."""
    reason: Annotated[str, Field(max_length=63)]
    """What was decided."""
    message: Annotated[str, Field(max_length=96)]
    """The numbers it was decided on."""


class Cause(Model):
    """Why the weights are kept or taken back, remembered until it is over."""

    reason: Annotated[str, Field(max_length=63)]
    """One PascalCase word."""
    message: Annotated[str, Field(max_length=512)]
    """What was seen and how to go on."""


class ArmVersion(Model):
    """An arm and the version on it."""

    arm: Annotated[str, Field(max_length=63)]
    """The name of the arm."""
    version: Annotated[str, Field(max_length=63)] = ""
    """The version on it; empty where it was never named."""


class ModelCanaryStatus(Model):
    """What is known, what was decided and why."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this status is about."""
    phase: Phase = Phase.PENDING
    """Where the canary stands."""
    reason: Annotated[str, Field(max_length=63)] = ""
    """The last decision in one word."""
    message: Annotated[str, Field(max_length=768)] = ""
    """The last decision in a sentence, with the numbers it was made on."""
    stable: ArmVersion | None = None
    """The arm that holds the traffic, or gets it back."""
    candidate: ArmVersion | None = None
    """The arm that is or was last tried."""
    run: Annotated[int, Field(ge=0)] = 0
    """How many runs there were; the present one's number."""
    step: Annotated[int, Field(ge=0, le=17)] = 0
    """The step of the run, from 1; 0 before the first."""
    at: Annotated[str, Field(max_length=24)] = ""
    """``<run>/<step>``: what an annotation that approves, aborts, retries or resumes must say."""
    weights: Weights | None = None
    """The share of the traffic that the released arm has."""
    verdict: Verdict | None = None
    """What was found about the release."""
    subject_digest: Annotated[str, Field(max_length=80)] = ""
    """A digest of the arm and version that ``verdict`` is about."""
    policy_digest: Annotated[str, Field(max_length=80)] = ""
    """A digest of the guardrails and the error budget of the run; a change restarts it."""
    eta: Duration | None = None
    """When certification is expected at the present traffic, at the earliest."""
    held: Cause | None = None
    """Set while a hand-made edit of the route is honoured."""
    returning: Cause | None = None
    """Set while all traffic goes back to the stable arm."""
    approved: Annotated[str, Field(max_length=24)] = ""
    """The ``<run>/<step>`` whose pause was approved."""
    answered: Annotated[dict[str, Annotated[str, Field(max_length=24)]], Field(max_length=4)] = (
        Field(default_factory=dict)
    )
    """Annotations that were acted on and are about to be removed."""
    repairs: Annotated[
        tuple[Instant, ...],
        Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """When hand-made edits of the route were last repaired."""
    guardrails: Annotated[
        tuple[GuardrailStatus, ...],
        Field(
            max_length=6,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = ()
    """What is known about each guardrail."""
    evidence: Evidence | None = None
    """What a restarted operator resumes from."""
    leaving: Leaving | None = None
    """Set while the object is being deleted."""
    history: Annotated[
        tuple[Happening, ...],
        Field(max_length=5, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """The last decisions, newest last."""
    conditions: Conditions = ()
    """Accepted, MetricsAvailable, TrafficApplied, CandidateAvailable, Regressed, Certified, Passed, Ready."""
