"""What holds for a canary whatever happens to it."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers import modelcanary
from controllers.api.modelcanary import RESUME
from controllers.api.modelcanary.spec import ModelCanarySpec
from controllers.api.modelcanary.status import ModelCanaryStatus, Phase
from controllers.modelcanary import Seen
from controllers.plan import Plan
from tests.controllers.modelcanary.test_stories import LATENCY, SPEC
from tests.world import START, Server, World

ENDS = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK})


class Watched(World):
    """A world that checks every write as it is made."""

    def _settle(self, plan: Plan[ModelCanaryStatus]) -> None:
        for write in plan.writes:
            assert self.route is not None
            assert self.recorded.weights is not None
            before = copy.deepcopy(self.route["spec"]["http"])
            after = copy.deepcopy(write.patch["spec"]["http"])
            wanted = after[0]["route"][1]["weight"]
            if wanted > before[0]["route"][1]["weight"]:
                assert self.finalizer, "the candidate gains under our finalizer only"
            assert wanted == self.recorded.weights.desired, "the intent is on record first"
            assert sum(t["weight"] for t in after[0]["route"]) == 100
            for http in (before, after):
                for target in http[0]["route"]:
                    del target["weight"]
            assert before == after, "only weights change"
            assert list(write.patch) == ["spec"]
            assert list(write.patch["spec"]) == ["http"]
        super()._settle(plan)
        if plan.record:
            assert len(str(self.recorded.wire())) < 8192, "a status stays small"


def play(kills: set[int], *, seconds: int = 900, **world: Any) -> Watched:
    """A run to its end, with the operator killed at some seconds."""
    one = Watched(**world)
    for _ in range(seconds):
        one.second()
        if one.now - START in kills:
            one.restart()
        if one.status.phase in ENDS:
            break
    return one


WORLDS: tuple[dict[str, Any], ...] = (
    {"spec": SPEC},
    {"spec": SPEC, "servers": {"green": Server(errors=0.02)}},
    {
        "spec": {**SPEC, "guardrails": [*SPEC["guardrails"], LATENCY]},
        "servers": {"green": Server(median_ms=55)},
    },
    {
        "spec": SPEC,
        "servers": {"green": Server(errors=0.02)},
        "prometheus": lambda second: "blind" if 60 <= second < 90 else "up",
    },
)


@pytest.mark.parametrize("number", range(len(WORLDS)))
@settings(max_examples=10, deadline=None)
@given(kills=st.sets(st.integers(1, 400), max_size=6))
def test_killed_at_any_point_it_decides_as_if_undisturbed(number: int, kills: set[int]) -> None:
    calm, killed = (play(at, **copy.deepcopy(WORLDS[number])) for at in (set(), kills))
    assert killed.status.phase in ENDS
    assert killed.moves == calm.moves
    assert killed.status.wire()["guardrails"] == calm.status.wire()["guardrails"]
    assert killed.status.message == calm.status.message


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    errors=st.sampled_from([0.0, 0.004, 0.05]),
    edits=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 100)), max_size=4),
    blind=st.tuples(st.integers(1, 300), st.integers(0, 200)),
)
def test_weights_keep_their_sum_and_move_only_on_record(
    seed: int, errors: float, edits: list[tuple[int, int]], blind: tuple[int, int]
) -> None:
    one = Watched(copy.deepcopy(SPEC), seed=seed, servers={"green": Server(errors=errors)}, rps=20)
    one.prometheus = lambda second: "down" if blind[0] <= second < sum(blind) else "up"
    at = dict(edits)
    for second in range(400):
        one.second()
        if second in at:
            one.edit(at[second])
    assert sum(one.live().values()) == 100


def test_blind_from_the_start_no_traffic_ever_moves() -> None:
    one = World(copy.deepcopy(SPEC), prometheus=lambda _: "down").run(3600)
    assert one.moves == []
    assert one.status.phase is Phase.PROGRESSING


@pytest.mark.parametrize("kind", ["down", "blind"])
def test_no_weight_moves_while_there_is_no_measurement(kind: str) -> None:
    one = World(copy.deepcopy(SPEC), servers={"green": Server(errors=0.004)})
    one.prometheus = lambda second: kind if second >= 60 else "up"
    one.run(3600)
    assert all(second < 75 for second, _ in one.moves)
    assert one.status.phase is Phase.PROGRESSING


def test_the_same_look_gives_the_same_plan() -> None:
    one = World(copy.deepcopy(SPEC)).run(100)
    spec = ModelCanarySpec.model_validate(one.spec)
    meta = one._meta()
    seen = Seen(route=one.route)
    plans = [modelcanary.decide(meta, spec, one.status, seen, one.now) for _ in range(2)]
    assert plans[0] == plans[1]


@pytest.mark.parametrize("field", ["spec.steps: Input should be a valid list"])
def test_an_unreadable_spec_is_refused_and_holds_no_deletion_up(field: str) -> None:
    one = World(copy.deepcopy(SPEC)).run(100)
    meta = one._meta()
    plan = modelcanary.refuse(meta, one.status, field, one.now)
    assert plan.writes == ()
    assert plan.finalizer
    accepted = next(c for c in plan.status.conditions if c.type == "Accepted")
    assert (accepted.status, accepted.reason, accepted.message) == ("False", "InvalidSpec", field)
    one.deleting = True
    assert not modelcanary.refuse(one._meta(), plan.status, field, one.now).finalizer


def test_the_largest_status_stays_within_eight_kibibytes() -> None:
    spec = copy.deepcopy(SPEC)
    slow = {**LATENCY, "name": "l" * 40}
    limits = [
        {"name": f"{i}" * 40, "type": "Threshold", "query": "1.5", "min": "1", "max": "2"}
        for i in range(4)
    ]
    spec["guardrails"] = [*spec["guardrails"], slow, *limits]
    spec["steps"] = [{"weight": weight, "minDuration": "20s"} for weight in range(5, 85, 5)]
    wide = Server(errors=0.004, sigma=1.0)
    one = World(spec, scrape=5, servers={"blue": wide, "green": wide})
    one.run(900)
    assert one.status.evidence is not None
    starts = [len(str(count.data)) for count in one.status.evidence.counts]
    assert len(starts) == 4
    assert min(starts) > 750, "every count has all of its starts"
    assert len(json.dumps(one.recorded.wire(), separators=(",", ":"))) < 8192


def until(one: World, phase: Phase) -> World:
    """The world at the very decision that brings a phase about, before anything else happens."""
    for _ in range(3600):
        one.now += 1
        one._serve()
        if one.now % one.scrape == 0:
            one._scrape()
        while one.due <= one.now:
            one.decide()
            if one.status.phase is phase:
                return one
    raise AssertionError(f"never {phase}")


def test_an_edit_between_the_decision_to_promote_and_the_write_is_honoured() -> None:
    one = until(World(copy.deepcopy(SPEC)), Phase.PROMOTING)
    one.edit(10)
    one.run(300)
    assert one.share == 10
    assert one.status.phase is Phase.HELD
    assert one.status.stable is not None
    assert one.status.stable.arm == "blue"


def test_a_rollback_gives_way_to_nobody() -> None:
    bad = {"green": Server(errors=0.05)}
    one = until(World(copy.deepcopy(SPEC), servers=bad), Phase.ROLLING_BACK)
    for share in (50, 60, 70, 80, 3):
        one.edit(share)
        one.decide()
        assert one.status.phase is Phase.ROLLING_BACK
        one.edit(share)
    one.run(5)
    assert one.share == 0
    assert one.status.phase is Phase.ROLLED_BACK


def test_going_on_after_a_hand_edit_waits_for_a_measurement() -> None:
    one = World(copy.deepcopy(SPEC)).run(110)
    assert one.share == 25
    one.edit(1)
    one.prometheus = lambda second: "down" if second < 400 else "up"
    one.run(60)
    one.annotations[RESUME] = one.status.at
    one.wake()
    one.run(400 - (one.now - START) - 1)
    assert one.share == 1
    one.run(60)
    assert one.share == 25


def test_what_stood_in_the_way_is_not_said_for_ever() -> None:
    one = World(copy.deepcopy(SPEC)).run(600, lambda w: w.status.phase is Phase.PROMOTED)
    route, one.route = one.route, None
    one.wake()
    one.run(5)
    assert one.status.reason == "RouteNotFound"
    one.route = route
    one.wake()
    one.run(5)
    assert one.status.reason == "Accepted"
    assert one.status.phase is Phase.PROMOTED
