"""The runtime on a real API server: leaders that die, freeze and stop, late CRDs, a restart.

It serves the toy of tests/operators, as a service account that has the stated rights and no other.
"""

import asyncio
import itertools
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from controllers.readings import Answer, Answered, Gap, Missing, Query
from hack.cluster.binaries import ROOT
from hack.cluster.cluster import Cluster
from hack.cluster.site import environment
from operators.runtime.rights import RUNTIME_RULES, own
from operators.runtime.telemetry import Telemetry
from operators.sources.prometheus import Prometheus
from tests.operators import toy

pytestmark = pytest.mark.cluster

HOME = "home"
_NAMES = itertools.count()


class Replica:
    """One process of the toy's operator, under a service account of its own."""

    def __init__(self, cluster: Cluster, log: Path, **settings: str) -> None:
        self.account = f"replica-{next(_NAMES)}"
        grant(cluster, self.account)
        self.port = _free_port()
        given = {
            "KUBECONFIG": str(cluster.service_account_kubeconfig(HOME, self.account)),
            "MODELYARD_LISTEN": f"127.0.0.1:{self.port}",
            "MODELYARD_LEASE_NAMESPACE": HOME,
            "PYTHONPATH": str(ROOT),
        }
        self._log = log / f"{self.account}.log"
        with self._log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.operators.toy_operator"],
                env=environment({**given, "TMPDIR": str(log), **settings}),
                stderr=out,
                cwd=ROOT,
            )

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{HOME}:{self.account}"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def page(self, name: str) -> dict[str, Any]:
        """A health page; empty while nobody answers."""
        with suppress(requests.RequestException):
            answer: dict[str, Any] = requests.get(
                f"http://127.0.0.1:{self.port}/{name}", timeout=2
            ).json()
            return answer
        return {}

    @property
    def leads(self) -> bool:
        return bool(self.page("readyz").get("leader"))

    @property
    def ready(self) -> bool:
        return bool(self.page("readyz").get("ok"))

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.send_signal(signal.SIGCONT)
        self.process.wait(10)


@pytest.fixture(scope="module")
def core(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server of this module's own, with the toy's CRD."""
    with Cluster(tmp_path_factory.mktemp("core") / "c") as cluster:
        cluster.up(("core",))
        cluster.kubectl("create", "namespace", HOME)
        cluster.apply(toy.crd())
        cluster.kubectl("wait", "--for=condition=Established", "crd/toys.modelyard.dev")
        yield cluster


Start = Callable[..., Replica]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts replicas and ends what the test left running."""
    with ExitStack() as stack:

        def begin(cluster: Cluster, **settings: str) -> Replica:
            replica = Replica(cluster, tmp_path, **settings)
            stack.callback(replica.end)
            return replica

        yield begin


@pytest.fixture
def space(core: Cluster) -> str:
    """A fresh namespace, which is also where this test's lease is named after."""
    name = f"s{next(_NAMES)}"
    core.kubectl("create", "namespace", name)
    return name


def grant(cluster: Cluster, account: str) -> None:
    """The rights that the runtime and the toy state, and no other."""
    group = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": list(one.groups), "resources": list(one.resources), "verbs": list(one.verbs)}
        for one in (*RUNTIME_RULES, *own("toys"), *toy.TOY.rules)
    ]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": HOME}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "toy"}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {"name": account, "namespace": HOME}},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "toy"},
         "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": account},
         "roleRef": role, "subjects": [subject]},
    )  # fmt: skip


def until(true: Callable[[], object], seconds: float, what: str, log: Replica) -> float:
    """How many seconds it took until something held; fails with the log where it does not."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            pytest.fail(f"{what}: not within {seconds:g} s\n{log.log[-3000:]}")
        time.sleep(0.05)
    return time.monotonic() - began


def status(cluster: Cluster, namespace: str, name: str = "one") -> dict[str, Any]:
    text = cluster.kubectl("get", "toy", name, f"-n={namespace}", "-o=json")
    found: dict[str, Any] = json.loads(text).get("status", {})
    return found


def set_value(cluster: Cluster, namespace: str, value: str) -> None:
    patch = json.dumps({"spec": {"value": value}})
    cluster.kubectl("patch", "toy", "one", f"-n={namespace}", "--type=merge", f"-p={patch}")


def writes(cluster: Cluster, user: str) -> list[dict[str, Any]]:
    """What that account changed, other than leases."""
    return [
        event
        for event in cluster.audit()
        if event["user"]["username"] == user
        and event["verb"] in {"patch", "create", "update"}
        and event["objectRef"]["resource"] != "leases"
        and event.get("responseStatus", {}).get("code", 500) < 300
    ]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _pair(start: Start, core: Cluster, space: str) -> tuple[Replica, Replica]:
    """A leader and a standby that is ready."""
    settings = {"MODELYARD_LEASE_NAME": space, "MODELYARD_NAMESPACE": space}
    leader = start(core, **settings)
    until(lambda: leader.leads and leader.ready, 20, "the first leads", leader)
    standby = start(core, **settings)
    until(lambda: standby.ready, 20, "the second is ready", standby)
    assert not standby.leads
    return leader, standby


def test_a_standby_follows_a_leader_that_is_killed_within_twenty_seconds(
    core: Cluster, space: str, start: Start
) -> None:
    leader, standby = _pair(start, core, space)
    core.apply(toy.manifest(namespace=space), toy.box(namespace=space))
    until(lambda: status(core, space).get("applied") == "red", 10, "the first acts", leader)
    leader.process.kill()
    set_value(core, space, "blue")
    until(lambda: status(core, space).get("applied") == "blue", 20, "the second acts", standby)
    assert standby.leads


def test_a_leader_that_is_told_to_stop_hands_over_at_once_and_leaves_well(
    core: Cluster, space: str, start: Start
) -> None:
    leader, standby = _pair(start, core, space)
    core.apply(toy.manifest(namespace=space, every=0.2), toy.box(namespace=space))
    until(lambda: status(core, space).get("looks", 0) > 3, 10, "the first acts", leader)
    leader.process.terminate()
    assert leader.process.wait(10) == 0
    until(lambda: standby.leads, 5, "the second leads", standby)
    looks = status(core, space)["looks"]
    until(lambda: status(core, space)["looks"] > looks, 5, "the second acts", standby)


def test_a_leader_that_was_frozen_writes_nothing_more_and_ends(
    core: Cluster, space: str, start: Start
) -> None:
    leader, standby = _pair(start, core, space)
    core.apply(toy.manifest(namespace=space, every=0.05), toy.box(namespace=space))
    until(lambda: status(core, space).get("looks", 0) > 10, 15, "the first acts", leader)
    leader.process.send_signal(signal.SIGSTOP)
    frozen = time.monotonic()
    until(lambda: standby.leads, 20, "the second leads", standby)
    looks = status(core, space)["looks"]
    until(lambda: status(core, space)["looks"] > looks + 10, 10, "the second acts", standby)
    time.sleep(max(0.0, 25.0 - (time.monotonic() - frozen)))
    before = len(writes(core, leader.user))
    leader.process.send_signal(signal.SIGCONT)
    assert leader.process.wait(10) == 1
    assert "another replica took the lease" in leader.log
    # One request may have been on the wire when it froze.
    assert len(writes(core, leader.user)) - before <= 1
    looks = status(core, space)["looks"]
    until(lambda: status(core, space)["looks"] > looks + 10, 10, "the second goes on", standby)


def test_what_is_not_installed_yet_is_named_and_picked_up_when_it_comes(
    own_cluster: Callable[..., Cluster], start: Start
) -> None:
    cluster = own_cluster("core")
    cluster.kubectl("create", "namespace", HOME)
    replica = start(cluster)
    until(lambda: replica.leads, 20, "it leads", replica)
    page = replica.page("readyz")
    assert not page["ok"]
    assert "apply its CRD" in page["off"]["Toy"]
    assert "does not serve virtualservices" in page["missing"]["VirtualService"]

    cluster.apply(toy.crd())
    until(lambda: replica.ready, 20, "its own kind is served", replica)
    cluster.apply(toy.manifest(namespace=HOME), toy.box(namespace=HOME))
    until(lambda: status(cluster, HOME).get("applied") == "red", 15, "it acts", replica)
    cluster.apply(toy.crd("virtualservices", "networking.istio.io", "VirtualService"))
    until(lambda: not replica.page("readyz")["missing"], 20, "Istio is served", replica)

    cluster.kubectl("delete", "toy", "one", f"-n={HOME}")
    cluster.kubectl("delete", "crd", "toys.modelyard.dev")
    until(lambda: not replica.ready, 30, "its own kind is missed", replica)
    cluster.apply(toy.crd())
    until(lambda: replica.ready, 20, "its own kind is served again", replica)
    cluster.apply(toy.manifest(namespace=HOME, value="blue"))
    until(lambda: status(cluster, HOME).get("applied") == "blue", 40, "it acts again", replica)
    assert replica.process.poll() is None


SURVIVED = 5.5
"""Seconds without an API server that a leader lives through: it gives up ten after a renewal, of
which there is one every two, before and after."""


def test_an_api_server_that_restarts_is_survived_in_the_process(
    core: Cluster, space: str, start: Start
) -> None:
    core.apply(toy.manifest(namespace=space), toy.box(namespace=space))
    server = core.part("kube-apiserver")
    for _ in range(5):
        replica = start(core, MODELYARD_LEASE_NAME=space, MODELYARD_NAMESPACE=space)
        until(lambda: replica.leads, 30, "it leads", replica)  # noqa: B023 - called at once
        until(lambda: status(core, space).get("applied") == "red", 20, "it acts", replica)
        began = time.monotonic()
        server.stop(grace=0.0)
        server.start()
        if time.monotonic() - began < SURVIVED:
            break
        # An outage that is longer than the lease rightly ends the leader: a slow machine's.
        replica.end()
    set_value(core, space, "blue")
    until(lambda: status(core, space).get("applied") == "blue", 30, "it acts again", replica)
    assert replica.process.poll() is None
    assert replica.leads


def _life(core: Cluster, space: str) -> tuple[Any, ...]:
    """The toy and its box, without versions and counts."""
    one = json.loads(core.kubectl("get", "toy", "one", f"-n={space}", "-o=json"))
    box = json.loads(core.kubectl("get", "cm", "one-box", f"-n={space}", "-o=json"))
    said = {name: one["status"][name] for name in ("desired", "applied", "reason")}
    return said, one["metadata"]["finalizers"], box["data"]


def test_killed_around_each_of_its_writes_it_ends_where_an_undisturbed_one_does(
    core: Cluster, space: str, start: Start
) -> None:
    alone = {"MODELYARD_LEADER_ELECT": "false", "MODELYARD_NAMESPACE": space}
    core.apply(toy.manifest(namespace=space), toy.box(namespace=space))
    first = start(core, **alone)
    until(lambda: status(core, space).get("applied") == "red", 20, "it acts", first)
    first.end()
    said, finalizers, _ = _life(core, space)
    for when, number in itertools.product(("before", "after"), (1, 2, 3)):
        value = f"{when}:{number}"
        set_value(core, space, value.replace(":", "-"))
        crashed = start(core, **alone, CRASH_AT=value)
        assert crashed.process.wait(20) == -signal.SIGKILL, value
        second = start(core, **alone)
        wanted = value.replace(":", "-")
        until(lambda: second.ready, 20, value, second)  # noqa: B023 - called at once
        until(lambda: status(core, space).get("applied") == wanted, 20, value, second)  # noqa: B023
        second.process.terminate()
        assert second.process.wait(10) == 0
        ended = {**said, "desired": wanted, "applied": wanted}
        assert _life(core, space) == (ended, finalizers, {"value": wanted})


def test_a_real_prometheus_answers_with_samples_and_says_what_is_wrong(cluster: Cluster) -> None:
    # Its own target only: those of other tests come and go meanwhile.
    mine = 'up{job="prometheus"}'
    # Twice the same series to multiply with, however few have been scraped so far.
    twice = f'{mine} * on () ({mine} or label_replace({mine}, "twin", "1", "", ""))'
    texts = (f"{mine}[20s]", mine, "scalar(vector(2))", "no_such_metric", "up{", twice)

    async def story() -> tuple[float, list[Answered]]:
        source = Prometheus(cluster.prometheus_url, Telemetry())
        for _ in range(20):
            at = time.time() - 3.0
            answers = await source.ask([Query(text, at, lookback=4.5) for text in texts])
            if (
                isinstance(first := answers[Query(texts[0], at, lookback=4.5)], Answer)
                and first.series
            ):
                break
            await asyncio.sleep(1.0)  # it has just begun to scrape
        source.close()
        return at, list(answers.values())

    at, (matrix, vector, scalar, nothing, broken, doubled) = asyncio.run(story())
    assert isinstance(matrix, Answer)
    assert isinstance(vector, Answer)
    assert isinstance(scalar, Answer)
    assert all(at - 20 < one <= at for one in matrix.series[0].times)
    assert len(vector.series) == len(matrix.series) == 1
    assert list(scalar.series[0].values) == [2.0]
    assert nothing == Answer(())
    assert isinstance(broken, Missing)
    assert broken.detail.startswith("the query is wrong: ")
    assert isinstance(doubled, Missing)
    assert "duplicate series" in doubled.detail


def test_a_prometheus_that_is_frozen_costs_a_deadline_and_comes_back(
    own_cluster: Callable[..., Cluster],
) -> None:
    cluster = own_cluster("prometheus")
    query = Query("up", time.time())

    async def story() -> tuple[Answered, float, Answered]:
        source = Prometheus(cluster.prometheus_url, Telemetry(), deadline=1.0)
        cluster.part("prometheus").process.send(signal.SIGSTOP)
        began = time.monotonic()
        frozen = await source.answer(query)
        lasted = time.monotonic() - began
        cluster.part("prometheus").process.send(signal.SIGCONT)
        back = await source.answer(query)
        source.close()
        return frozen, lasted, back

    frozen, lasted, back = asyncio.run(story())
    assert frozen == Missing(Gap.FAILED, "no answer within 1 s")
    assert lasted < 3.0
    assert isinstance(back, Answer)
