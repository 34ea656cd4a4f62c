"""The token of the operator's pod does not last: it is read again, and nothing of a run is lost."""

import json
from collections.abc import Iterator

import pytest

from controllers.api.modelcanary import APPROVE
from hack.charts.helm import NAME, NAMESPACE
from hack.cluster.cluster import Cluster
from tests.e2e.stories.release import Release
from tests.e2e.stories.stage import Stage

MOUNTED, FIRST, SECOND = SECRETS = "account", "first", "second"
"""The Secret with the token that is mounted, and those that tokens are bound to."""
STEPS = [{"weight": 20, "minDuration": "4s", "pause": {}}]
PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
SHORTEST = 600
"""Seconds: no token may last for less."""


@pytest.fixture
def mounted(release: Release, place: Cluster) -> Iterator[Release]:
    """The usual operator, whose token is mounted by the story and removed after it."""
    yield release
    release.uninstall()
    left = ("secret", *SECRETS, f"-n={NAMESPACE}", "--ignore-not-found")
    place.kubectl("delete", *left)


def mount(release: Release, source: dict[str, object]) -> None:
    """Has the operator's pods read their token where they always do, but from this source."""
    where = {"fieldRef": {"fieldPath": "metadata.namespace"}, "path": "namespace"}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [source, {"configMap": authority}, {"downwardAPI": {"items": [where]}}]
    spec = {
        "automountServiceAccountToken": False,
        "volumes": [{"name": "account", "projected": {"sources": sources}}],
        "containers": [
            {"name": "operator", "volumeMounts": [{"name": "account", "mountPath": PATH}]}
        ],
    }
    release.patch({"spec": {"template": {"spec": spec}}})


class Tokens:
    """Tokens of the operator's account that can be taken back."""

    def __init__(self, stage: Stage) -> None:
        self._kubectl = stage.cluster.kubectl

    def issue(self, name: str) -> str:
        """A token that is good as long as the Secret of that name is there; pods may mount it."""
        here = f"-n={NAMESPACE}"
        self._kubectl("create", "secret", "generic", name, here)
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}")
        token = self._kubectl("create", "token", NAME, here, *bound).strip()
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": MOUNTED, "namespace": NAMESPACE},
            "stringData": {"token": token},
        }
        self._kubectl("apply", "-f", "-", data=json.dumps(secret))
        return token

    def take_back(self, name: str) -> None:
        self._kubectl("delete", "secret", name, f"-n={NAMESPACE}")

    def is_good(self, token: str) -> bool:
        """Whether the API server knows its bearer."""
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token},
        }
        path = "-o=jsonpath={.status.authenticated}"
        return self._kubectl("create", "-f", "-", path, data=json.dumps(review)) == "true"


def test_a_token_that_was_exchanged_and_then_taken_back_stops_nothing(
    stage: Stage, mounted: Release
) -> None:
    tokens = Tokens(stage)
    old = tokens.issue(FIRST)
    mount(mounted, {"secret": {"name": MOUNTED, "items": [{"key": "token", "path": "token"}]}})
    stage.serve()
    stage.create(steps=STEPS)
    stage.until_green(20)

    new = tokens.issue(SECOND)
    mounted.annotate("looked-at=again")  # the kubelet looks at a pod that was changed at once
    stage.until(lambda: mounted.read(f"{PATH}/token") == {new}, 90, "the new one is mounted")
    tokens.take_back(FIRST)
    stage.until(lambda: not tokens.is_good(old), 30, "the old one is good no more")

    goes_on(stage)


@pytest.mark.soak
@pytest.mark.timeout(SHORTEST + 600)
def test_a_token_that_the_kubelet_renews_is_read_again_before_it_ends(
    stage: Stage, mounted: Release
) -> None:
    mount(mounted, {"serviceAccountToken": {"path": "token", "expirationSeconds": SHORTEST}})
    (first, *_) = mounted.read(f"{PATH}/token")
    tokens = Tokens(stage)
    stage.serve(lasting=SHORTEST + 500.0)
    stage.create(steps=STEPS)
    stage.until_green(20)
    stage.until(lambda: not tokens.is_good(first), SHORTEST + 60.0, "the first token has ended")
    assert first not in mounted.read(f"{PATH}/token")
    goes_on(stage)


def goes_on(stage: Stage) -> None:
    """The run ends as it should, and what a person changes is seen."""
    stage.until_phase("Paused")
    stage.annotate(APPROVE)
    stage.until_phase("Promoted")
    assert stage.shares_were(20, 100)
    stage.release("blue", "9")
    stage.until(lambda: stage.status().run == 2, 20, "a second run has begun")
    assert stage.chart.restarts() == 0
