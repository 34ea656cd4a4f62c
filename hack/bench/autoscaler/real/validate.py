"""Plays scripts side by side on the real controller and the model, and says where they differ."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from hack.bench.autoscaler.hpa_metrics import Sample
from hack.bench.autoscaler.real.apis import (
    Api,
    AwayError,
    Scale,
    custom_metrics,
    external_metrics,
    resource_metrics,
    targets,
)
from hack.bench.autoscaler.real.audit import Audit
from hack.bench.autoscaler.real.controller import controlled
from hack.bench.autoscaler.real.extension import extended
from hack.bench.autoscaler.real.manifest import hpa
from hack.bench.autoscaler.real.pods import Pods
from hack.bench.autoscaler.real.script import Script
from hack.bench.autoscaler.real.stage import PACE, Look, Stage
from hack.cluster.cluster import Cluster


@dataclass(frozen=True)
class Outcome:
    """One script, played to its end; ``audited`` are the writes that the API server has noted."""

    script: Script
    looks: tuple[Look, ...]
    audited: int

    @property
    def differing(self) -> list[tuple[int, Look]]:
        """The looks at which the model decided otherwise, with their numbers."""
        return [(number, look) for number, look in enumerate(self.looks) if not look.agrees]

    @property
    def changes(self) -> int:
        """How often the number was changed."""
        return sum(look.real != look.observed.spec for look in self.looks)

    @property
    def agrees(self) -> bool:
        return not self.differing and self.audited == self.changes


def validate(cluster: Cluster, scripts: Sequence[Script], seconds: float = 120.0) -> list[Outcome]:
    """The scripts, all at once, on a cluster of etcd and API server that runs no controllers.

    Raises TimeoutError where one is not over in ``seconds``, with what its autoscaler says.
    """
    base, audit = float(int(time.time())), Audit(cluster.folder)
    with ExitStack() as stack:
        stages = {}
        for number, script in enumerate(scripts):
            pods = Pods(cluster, _namespace(number), base)
            stack.callback(pods.close)
            offset = PACE * number / len(scripts)
            stages[_namespace(number)] = Stage(script, pods, audit, base, offset)
        cluster.apply(*(_named("Namespace", name) for name in stages))
        cluster.apply(*(_named("ServiceAccount", "default", name) for name in stages))
        stack.enter_context(extended(cluster, *_apis(stages)))
        stack.enter_context(controlled(cluster))
        cluster.apply(*(hpa(name, stage.script.spec) for name, stage in stages.items()))
        _await(cluster, stages, time.monotonic() + seconds)
    return [
        Outcome(stage.script, tuple(stage.looks), _scaled(audit, name))
        for name, stage in stages.items()
    ]


def report(outcomes: Sequence[Outcome], say: Callable[[str], None]) -> bool:
    """Says script by script how many looks agree, and each that does not; whether all do."""
    for outcome in outcomes:
        looks, differing = outcome.looks, outcome.differing
        say(
            f"{outcome.script.name:32} {len(looks):3} looks, {len(looks) - len(differing):3} agree,"
            f" {sum(look.asked for look in looks):3} metrics asked, {outcome.changes:2} writes"
        )
        for number, look in differing:
            say(f"  look {number} at {look.at:.2f} s: {look.real}, model {look.model}")
            say(f"    of {look.observed}")
        if outcome.audited != outcome.changes:
            say(f"  the audit log has {outcome.audited} writes")
    total = sum(len(outcome.looks) for outcome in outcomes)
    same = total - sum(len(outcome.differing) for outcome in outcomes)
    say(f"{len(outcomes)} scripts, {total} looks, {same} agree")
    return all(outcome.agrees for outcome in outcomes)


def _apis(stages: dict[str, Stage]) -> list[Api]:
    """Everything the controller asks, answered by the stage of the namespace."""

    def stage(namespace: str) -> Stage:
        if namespace not in stages:
            raise AwayError(f"{namespace} has no stage")
        return stages[namespace]

    def read(namespace: str, _: str) -> Scale | None:
        return stage(namespace).read()

    def write(namespace: str, _: str, replicas: int) -> None:
        stage(namespace).write(replicas)

    def of_pods(namespace: str, metric: str) -> dict[str, Sample]:
        return stage(namespace).samples(metric)

    return [
        targets(read, write),
        external_metrics(lambda namespace, metric: stage(namespace).values(metric)),
        custom_metrics(of_pods, lambda namespace, metric: stage(namespace).value(metric)),
        resource_metrics(lambda namespace: stage(namespace).samples()),
    ]


def _await(cluster: Cluster, stages: dict[str, Stage], deadline: float) -> None:
    for name, stage in stages.items():
        if not stage.over.wait(max(0.0, deadline - time.monotonic())):
            said = cluster.kubectl("describe", "hpa", f"-n={name}")
            raise TimeoutError(
                f"{stage.script.name}: {len(stage.looks)} of {stage.script.looks} looks\n{said}"
            )
        if stage.failure:
            raise stage.failure


def _scaled(audit: Audit, namespace: str) -> int:
    return sum(write.subresource == "scale" for write in audit.writes(namespace))


def _namespace(number: int) -> str:
    return f"script-{number}"


def _named(kind: str, name: str, namespace: str = "") -> dict[str, object]:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **where}}
