"""The script: which call a fault befalls, how often, and the same again for the same seed."""

from hack.faults.effects import Dropped, Hang, Reset, WatchError
from hack.faults.script import Call, Fault, Script

PATCH = Call("PATCH", "/apis/modelyard.dev/v1alpha1/namespaces/n/modelcanaries/one/status")
WATCH = Call("GET", "/apis/modelyard.dev/v1alpha1/namespaces/n/modelcanaries", watch=True)
EVENT = b'{"type":"DELETED","object":{}}\n'


def test_a_fault_befalls_the_calls_it_names_and_no_others() -> None:
    script = Script(1)
    script.play(Fault("hang", Hang(), calls="^PATCH .*/modelcanaries/"))
    assert script.request(WATCH) is None
    assert script.request(PATCH) == Hang()
    script.calm()
    assert script.request(PATCH) is None
    assert script.happened == {"hang": 1}


def test_it_happens_no_more_often_than_it_may() -> None:
    script = Script(1)
    script.play(Fault("hang", Hang(), times=2))
    assert [script.request(PATCH) for _ in range(3)] == [Hang(), Hang(), None]
    assert not script.left()


def test_in_turn_each_waits_for_the_one_before_it() -> None:
    script = Script(1)
    script.play(Fault("a", Hang(), times=1, calls="WATCH"), Fault("b", Reset(), times=1),
                in_turn=True)  # fmt: skip
    assert [script.request(one) for one in (PATCH, WATCH, PATCH)] == [None, Hang(), Reset()]


def test_the_same_seed_makes_the_same_weather() -> None:
    def weather(seed: int) -> list[bool]:
        script = Script(seed)
        script.play(Fault("hang", Hang(), chance=0.5))
        return [script.request(PATCH) is not None for _ in range(64)]

    assert weather(3) == weather(3) != weather(4)
    assert 16 < sum(weather(3)) < 48


def test_an_event_may_be_dropped_by_what_it_says_and_a_bookmark_never_is() -> None:
    script = Script(1)
    script.play(Fault("gone", Dropped(), line='"type":"DELETED"'))
    assert script.event(WATCH, b'{"type":"ADDED"}\n') is None
    assert script.event(WATCH, EVENT) == Dropped()
    script.play(Fault("all", Dropped()))
    assert script.event(WATCH, b'{"type":"BOOKMARK"}\n') is None
    assert script.event(WATCH, b"") is None


def test_an_error_ends_a_watch_that_is_at_rest() -> None:
    script = Script(1)
    script.play(Fault("gone", WatchError(410), calls="WATCH", times=1))
    assert script.request(WATCH) is None
    assert script.event(WATCH, b"") == WatchError(410)
