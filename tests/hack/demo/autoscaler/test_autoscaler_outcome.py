"""The demo ends well only if the peak was met ahead of time and fewer requests were late."""

from dataclasses import replace

import pytest

from controllers.api.inferenceautoscaler.spec import InferenceAutoscalerSpec as Spec
from hack.demo.autoscaler.outcome import Outcome, Supply, needed, problems, summary
from hack.demo.autoscaler.stage import FIRST, FULL

OURS = Outcome("modelyard", 8, 9000, 10, 7000, 9, 2100.4)
THEIRS = Outcome("hpa", 3, 9000, 6000, 7000, 5900, 1500.0)


def test_what_was_to_be_shown_was_shown() -> None:
    assert problems(OURS, THEIRS, 7, trusted=True) == []
    ours, theirs = summary(OURS, THEIRS, 7)
    assert ours == (
        "modelyard: 8 replicas ready when the peak began, 7 needed; 0.1 % of 9,000 requests late"
        " (0.1 % of those in the peak); 2,100 replica-seconds"
    )
    assert "hpa: 3 replicas" in theirs


@pytest.mark.parametrize(
    ("ours", "theirs", "trusted", "said"),
    [
        (OURS, THEIRS, False, "not trusted"),
        (replace(OURS, ready=6), THEIRS, True, "6 replicas were ready"),
        (replace(OURS, answers=0), THEIRS, True, "answered nothing"),
        (OURS, replace(THEIRS, late=10), True, "no fewer late answers"),
    ],
)
def test_what_was_not_is_named(ours: Outcome, theirs: Outcome, trusted: bool, said: str) -> None:
    (found, *_) = problems(ours, theirs, 7, trusted=trusted)
    assert said in found


def test_replica_seconds_are_those_of_all_pods_between_the_looks() -> None:
    supply = Supply()
    for now, pods in ((10.0, 3), (12.0, 8), (12.5, 8), (14.5, 2)):
        supply.note(now, pods)
    assert supply.replica_seconds == 2.0 * 3 + 0.5 * 8 + 2.0 * 8


def test_the_peak_needs_more_than_there_is_before_and_less_than_is_allowed(spec: Spec) -> None:
    peak = FULL.peak
    assert needed(spec, peak.base) <= FIRST < needed(spec, peak.top) < spec.max_replicas
