"""What needs something is done after it, and nothing goes on once it is over."""

import threading
import time

import pytest

from hack.cluster.order import in_order

NEEDS = {"etcd": (), "apiserver": ("etcd",), "istiod": ("apiserver",), "kwok": ("apiserver",)}


def test_each_is_done_once_and_after_what_it_needs() -> None:
    done: list[str] = []
    in_order(NEEDS, done.append)
    assert sorted(done) == sorted(NEEDS)
    assert all(done.index(need) < done.index(name) for name, of in NEEDS.items() for need in of)


def test_the_first_error_wins_and_what_needs_it_is_not_done() -> None:
    done: list[str] = []

    def act(name: str) -> None:
        if name == "apiserver":
            raise LookupError(name)
        done.append(name)

    with pytest.raises(LookupError, match="apiserver"):
        in_order(NEEDS, act)
    assert done == ["etcd"]


def test_what_is_under_way_is_waited_for_when_its_thread_is_interrupted_at_birth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    born = threading.Thread.start
    begun, ended = threading.Event(), threading.Event()

    def act(_name: str) -> None:
        begun.set()
        time.sleep(0.2)
        ended.set()

    def interrupted(thread: threading.Thread) -> None:
        born(thread)
        begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_order({"prometheus": ()}, act)
    assert ended.is_set()


def test_what_has_not_begun_when_it_is_interrupted_never_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[threading.Thread] = []
    done: list[str] = []

    def interrupted(thread: threading.Thread) -> None:
        late.append(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            in_order({"prometheus": ()}, done.append)
    for thread in late:
        thread.start()
        thread.join(10)
    assert done == []
