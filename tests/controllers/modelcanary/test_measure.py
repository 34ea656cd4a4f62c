"""What a block shows: half an answer is none, whichever half it is."""

import numpy as np

from controllers.api.modelcanary.spec import Arm, Guardrail
from controllers.modelcanary.blocks import Block
from controllers.modelcanary.measure import Counts, measure
from controllers.modelcanary.queries import Selector, selector
from controllers.readings import Answer, Gap, Missing, Series

ARMS = [Arm(name=name, host=f"{name}.example") for name in ("blue", "green")]
ERRORS = Guardrail.model_validate({"name": "errors", "type": "ErrorRate", "preset": "Envoy"})
BLOCK = Block(since=100, until=110, scrape=5.0)


def _counter(arm: str, code: str) -> Series:
    labels = {"envoy_cluster_name": f"outbound|80||{arm}.example", "envoy_response_code": code}
    times = np.array([95.0, 100.0, 105.0, 110.0])
    return Series(labels, times, np.array([0.0, 10.0, 20.0, 30.0]))


def _measured(answer: Answer) -> Counts | Missing:
    which = selector(ERRORS.preset, ARMS, "n")
    assert isinstance(which, Selector)
    return measure(ERRORS, which, answer, BLOCK, ("blue", "green"))


def test_errors_that_a_partial_answer_leaves_out_are_not_taken_for_none() -> None:
    good = (_counter("blue", "200"), _counter("green", "200"))
    whole = _measured(Answer((*good, _counter("green", "500"))))
    assert isinstance(whole, Counts)
    assert whole.bad == {"": (0.0, 20.0)}
    partial = _measured(Answer(good, ("a store did not answer",)))
    assert isinstance(partial, Missing)
    assert partial.gap is Gap.PARTIAL
