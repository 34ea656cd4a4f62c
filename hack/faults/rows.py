"""Every fault that was thought of, what is promised then, and which test shows it."""

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """What is known of a promise."""

    SHOWN = "shown"
    """On a real API server, Envoy or Prometheus, or in a real process."""
    DOUBLE = "on a double"
    """On an API server in memory."""
    PART = "in part"
    MISSING = "not shown"


@dataclass(frozen=True)
class Row:
    """One fault."""

    fault: str
    how: str
    promise: str
    state: State
    tests: tuple[str, ...] = ()
    """``file::test`` from ``tests/``, or a file for all of its tests."""
    note: str = ""
    """What was seen, or what is missing and why."""


CANARY_CRASHES = "cluster/test_canary_crashes.py"
REQUESTED = "faults/test_requests.py"
PROXIED = "faults/test_proxy.py"

ROWS: tuple[Row, ...] = (
    Row(
        "Crash before or after each write",
        "SIGKILL around the n-th write; at a policy of the API server that refuses one write",
        "the same end, no effect twice",
        State.SHOWN,
        (
            "cluster/test_runtime.py::"
            "test_killed_around_each_of_its_writes_it_ends_where_an_undisturbed_one_does",
            CANARY_CRASHES,
            "cluster/test_autoscaler_crashes.py",
        ),
    ),
    Row(
        "SIGKILL, SIGSTOP for 25 s, SIGTERM in a run",
        "signals to the leader, with a standby beside it",
        "taken over within 20 s; a leader that stood still writes nothing more, but for one "
        "request that had passed its fence, which is repaired",
        State.SHOWN,
        ("cluster/test_canary_leaders.py", "cluster/test_runtime.py"),
    ),
    Row(
        "No answer, a reset, slow headers, half an answer, a login page",
        "proxy: each before the API server gets the request, and after it has carried it out",
        "no end of the process, no wake-up lost, nothing done twice",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", f"{REQUESTED}::test_a_raise", PROXIED),
        "an answer that is JSON but no object ended the process before",
    ),
    Row(
        "409",
        "proxy; somebody else's write",
        "read again and decided again",
        State.SHOWN,
        (f"{REQUESTED}::test_a_raise", "cluster/test_canary_route.py"),
    ),
    Row(
        "422",
        "proxy; an admission policy that refuses",
        "tried again with backoff up to a minute, the loop goes on; an event on the object says "
        "what is refused and why",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", CANARY_CRASHES),
        "a 403 that is not for a missing right is told in the same way",
    ),
    Row(
        "429 with Retry-After",
        "proxy; the API server's own priority and fairness, with no seat left for the account",
        "left alone for as long as it asks",
        State.SHOWN,
        (
            f"{REQUESTED}::test_a_promotion",
            PROXIED,
            "operators/test_loop.py::test_a_server_that_asks_to_be_left_alone_is_left_alone",
            "e2e/stories/test_throttling.py",
        ),
    ),
    Row(
        "500, 503",
        "proxy, before and after the request was carried out",
        "tried again with backoff; writes stay under three a second",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", f"{REQUESTED}::test_a_raise"),
        "an approval was lost: an older status came after the one whose write a 500 followed",
    ),
    Row(
        "401",
        "proxy, on requests, on watches and on the lease",
        "logged in again, kopf too",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", "e2e/stories/test_token.py"),
        "a pod's token is exchanged, and the old one taken back in mid-run; the kubelet's renewal"
        " takes ten minutes and is in `make soak`",
    ),
    Row(
        "Rights taken away",
        "the account's Role emptied, in part and as a whole, 20 s and two minutes",
        "said verb by verb; no weight moves; it goes on by itself when they come back",
        State.SHOWN,
        ("faults/test_rights.py", f"{REQUESTED}::test_a_promotion"),
        "without the right to its lease the process ends after 10 s, as it must",
    ),
    Row(
        "Watch: ERROR 410, 500 or 504",
        "proxy, among the events and at rest",
        "listed again or begun anew, with backoff; kopf is entered anew in the process",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", PROXIED),
        "a watch that ended as it began was begun anew without any pause before",
    ),
    Row(
        "Watch: silence",
        "proxy: 3 s, and two minutes",
        "late at first, then given up after 70 s (kopf) or 100 s and begun anew",
        State.SHOWN,
        (f"{REQUESTED}::test_a_promotion", PROXIED),
    ),
    Row(
        "Watch: an event twice, late or never",
        "proxy",
        "nothing goes back; what was lost is found at the second write that is refused for it, "
        "else within 10 minutes (our kinds) or 30 (others)",
        State.SHOWN,
        (
            f"{REQUESTED}::test_a_promotion",
            "faults/test_long.py::test_an_approval_whose_event_is_lost",
            "operators/test_informer.py",
        ),
        "before, an approval whose event was lost waited for the next relist; what others say last "
        "and nobody writes against still does",
    ),
    Row(
        "Deleted while the watch was away",
        "an object taken out between two watches",
        "it leaves the cache",
        State.DOUBLE,
        (
            "operators/test_informer.py::"
            "test_what_vanished_while_the_watch_was_cut_leaves_the_cache",
            "operators/test_sweep.py",
        ),
    ),
    Row(
        "API server away or restarted",
        "SIGSTOP, SIGTERM, SIGKILL",
        "the same process goes on, or ends for its lost lease alone",
        State.SHOWN,
        (
            "cluster/test_canary_outages.py::"
            "test_when_the_api_server_was_away_the_same_processes_go_on",
            "cluster/test_runtime.py::"
            "test_an_api_server_that_restarts_is_survived_in_the_process",
        ),
    ),
    Row(
        "etcd stands still, or begins anew",
        "SIGSTOP for 20 s and for a minute, then SIGKILL and a start",
        "the traffic flows meanwhile, and the run goes on",
        State.SHOWN,
        ("faults/test_store.py",),
    ),
    Row(
        "etcd full (NOSPACE)",
        "its own alarm raised for 20 s and for a minute, under which it refuses every write",
        "the traffic flows meanwhile, and the run goes on when there is room",
        State.SHOWN,
        ("faults/test_store.py",),
        "the lease cannot be renewed either, so the process ends after 10 s, as it must",
    ),
    Row(
        "Growth of etcd",
        "a thousand runs and ten thousand canaries at rest",
        "at most a write a minute for each run, none at rest",
        State.SHOWN,
        note="`make bench-runtime`, [figures](benchmarks/runtime.md)",
    ),
    Row(
        "The clock jumps by five minutes and back",
        "libfaketime on the operator, the monotonic clock left alone",
        "nothing is judged at a wrong time, nothing promoted early, the lease is kept; once the "
        "clock is right the run goes on at once",
        State.SHOWN,
        ("faults/test_clock.py", "faults/test_long.py", "controllers/modelcanary/test_blocks.py"),
        "before, a clock that had been ahead held the run up for as long as it had been",
    ),
    Row(
        "Two leaders, a stolen lease, a deleted one",
        "two processes; edits of the lease",
        "no two writers beyond one renewal",
        State.PART,
        ("cluster/test_canary_leaders.py", "operators/test_lease.py"),
        "two processes on the real server; theft and deletion on a double",
    ),
    Row(
        "Prometheus hung, slow, 503, HTML, empty, NaN, infinite, partial",
        "proxy before the real one; the real one stopped (SIGSTOP) and restarted without data",
        "no weight moves and no replica goes; said in a condition; then it goes on",
        State.SHOWN,
        (
            "faults/test_prometheus.py",
            "faults/test_long.py",
            "cluster/test_canary_outages.py",
            "cluster/test_autoscaler_blind.py",
        ),
        "before, a canary judged an answer that Prometheus warns is partial",
    ),
    Row(
        "Series twice, a counter that is reset, stale samples",
        "tables and histories",
        "told from a value, and counted right",
        State.SHOWN,
        ("controllers/test_readings.py", "controllers/stats/test_growth.py"),
        "pure code: there is nothing to double",
    ),
    Row(
        "The route edited, deleted, taken by another",
        "kubectl",
        "what is safer is kept, what is not is repaired; who holds it is said",
        State.PART,
        ("cluster/test_canary_route.py",),
        "an Envoy that stands still was not tried",
    ),
    Row(
        "The target missing or made again, an HPA beside it",
        "kubectl",
        "said in a condition, no fight",
        State.SHOWN,
        ("cluster/test_autoscaler_others.py", "cluster/test_autoscaler_pods.py"),
    ),
    Row(
        "A mass of objects, a restart among them",
        "ten thousand canaries, a thousand autoscalers",
        "ready within a minute, under 300 MiB",
        State.SHOWN,
        note="`make bench-runtime`, [figures](benchmarks/runtime.md)",
    ),
    Row(
        "Upgrade and rollback in a run, uninstall, a namespace deleted",
        "the chart",
        "no status lost, no step twice, no finalizer left",
        State.SHOWN,
        (
            "cluster/test_canary_deletion.py",
            "e2e/stories/test_upgrade.py",
            "e2e/stories/test_removal.py",
            "e2e/stories/test_deletion.py",
        ),
    ),
    Row(
        "Two hours of faults at random", "all above", "memory and tasks stay flat", State.MISSING,
        note="`make faults` plays each for a minute",
    ),
    Row(
        "GPUs lost, a webhook down", "-", "-", State.MISSING,
        note="there is no agent and no webhook yet",
    ),
)  # fmt: skip
