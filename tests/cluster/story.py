"""What every story on the real cluster is told with: operators, waits, walls and a last account."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests

from controllers.plan import Resource
from hack.cluster.cluster import Cluster
from operators.runtime.events import CONTROLLER, EVENTS
from tests.cluster.api import POLICIES, POLICY_BINDINGS, Api, RefusedError
from tests.cluster.operator import ACCOUNT, Operator

LOOK_SECONDS = 0.2


class Story:
    """A namespace, the operators that serve it, and the words to tell what happens there."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, subject: str) -> None:
        self.cluster = cluster
        self.api = api
        self.namespace = namespace
        self.subject = subject
        """The name of the object that the story is about."""
        self.operators: list[Operator] = []

    def account(self) -> str:
        """All that is known, for whoever reads a failure."""
        raise NotImplementedError

    def operate(self, *flags: str, account: str = ACCOUNT, **more: Any) -> Operator:
        """Starts one replica of the operator."""
        one = self.prepare(*flags, account=account, **more)
        one.start()
        return one

    def prepare(self, *flags: str, account: str = ACCOUNT, **more: Any) -> Operator:
        """One replica of the operator that has its account and rights, and is not started."""
        one = Operator(self.cluster, self.api, self.namespace, *flags, account=account, **more)
        self.operators.append(one)
        return one

    @property
    def operator(self) -> Operator:
        """The first replica."""
        return self.operators[0]

    def told(self, name: str = "") -> list[str]:
        """The reasons of our events about the subject or another object, oldest first."""
        return [event["reason"] for event in self.events(name)]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """All events about the subject or another object, oldest first."""
        found = [
            event
            for event in self.api.list(EVENTS, self.namespace)
            if event.get("reportingController") == CONTROLLER
            and event.get("regarding", {}).get("name") == (name or self.subject)
        ]
        return sorted(found, key=lambda event: str(event.get("eventTime") or ""))

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Returns once ``true()``; fails with all that is known when the seconds are over."""
        deadline = time.monotonic() + seconds
        while True:
            # An API server that is being restarted is a part of some stories.
            with suppress(requests.ConnectionError):
                if true():
                    return
            if time.monotonic() > deadline:
                pytest.fail(f"after {seconds:g} s it is not so that {what}\n{self.account()}")
            time.sleep(LOOK_SECONDS)

    def always(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Fails as soon as it is not so within the seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not true():
                pytest.fail(f"it is no longer so that {what}\n{self.account()}")
            time.sleep(LOOK_SECONDS)

    @contextmanager
    def wall(
        self, resource: Resource, expression: str, probe: Mapping[str, Any], subresource: str = ""
    ) -> Iterator[None]:
        """The API server refuses writes for which the CEL expression holds, in this namespace.

        So the operator can be caught between two writes and killed there. ``probe`` is a patch that
        must be refused: the wall stands once it is.
        """
        name = f"{self.namespace}-{resource.plural}"
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        matched = {
            "apiGroups": [resource.group],
            "apiVersions": [resource.version],
            "operations": ["UPDATE"],
            "resources": [resource.plural + (f"/{subresource}" if subresource else "")],
        }
        policy = {
            "matchConstraints": {"namespaceSelector": here, "resourceRules": [matched]},
            "validations": [{"expression": f"!({expression})", "message": "a wall of the test"}],
        }
        self.api.apply(POLICIES, {"metadata": {"name": name}, "spec": policy})
        binding = {"policyName": name, "validationActions": ["Deny"]}
        self.api.apply(POLICY_BINDINGS, {"metadata": {"name": name}, "spec": binding})

        def stands() -> bool:
            try:
                self.api.merge(
                    resource,
                    self.namespace,
                    self.subject,
                    probe,
                    subresource=subresource,
                    dry_run=True,
                )
            except RefusedError as error:
                return "a wall of the test" in str(error)
            return False

        try:
            self.until(stands, 30, "the wall stands")
            yield
        finally:
            self.api.delete(POLICY_BINDINGS, "", name)
            self.api.delete(POLICIES, "", name)
