"""Faults drawn at random, from one promotion to the next: nothing piles up in the operator."""

import itertools
import os
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pytest

from hack.bench.runtime.cost import memory
from hack.faults.proxy import FaultProxy
from hack.faults.script import Script
from tests.cluster.scene import ARMS, Scene
from tests.faults import weather
from tests.faults.stage import begin_promotion, operated

pytestmark = pytest.mark.cluster

LASTS = float(os.environ.get("MODELYARD_SOAK_SECONDS") or 0.0)
BAD, GOOD = (10.0, 40.0), 10.0
"""Seconds for which faults are played, and of calm before something is measured."""
MOST = 4
"""Sorts of faults at one time."""
PATIENCE = 240.0
"""Seconds from calm to the end of a promotion; a watch that is silent is given up after 100."""
RPS = 20.0


@dataclass(frozen=True)
class Held:
    """What the process holds."""

    memory: float
    """MiB."""
    files: int
    threads: int

    @classmethod
    def by(cls, pid: int) -> Self:
        files, threads = (len(list(Path(f"/proc/{pid}/{one}").iterdir())) for one in ("fd", "task"))
        return cls(memory(pid)[0], files, threads)


def test_faults_at_random_for_hours_leave_memory_files_and_threads_flat(
    bare_scene: Scene, server: FaultProxy, script: Script
) -> None:
    scene, draw = bare_scene, random.Random(script.seed)
    # Who loses its lease ends, as it must, and a lost last event is found by a list minutes later.
    sorts = {
        name: one
        for name, one in weather.alone().items()
        if not name.startswith("lease") and name != "watch dropped"
    }
    scene.serve(rps=0)
    scene.traffic = scene.cluster.traffic(scene.host, rps=RPS, seconds=LASTS + 2 * PATIENCE)
    held: list[Held] = []
    with operated(scene, server=server) as stage:
        begin_promotion(scene, steps=[{"weight": 50, "minDuration": "2s"}])
        for version in itertools.count(8):
            arm = ARMS[(version + 1) % 2]
            if version > 8:
                scene.release(arm, str(version))
            chosen = draw.sample(sorted(sorts), draw.randint(1, MOST))
            script.play(*(fault for name in chosen for fault in sorts[name]))
            time.sleep(draw.uniform(*BAD))
            script.calm()
            scene.until(partial(_promoted, scene, arm, version), PATIENCE, f"after {chosen}")
            time.sleep(GOOD)
            held.append(Held.by(stage.operator.process.pid() or 0))
            if stage.seconds > LASTS:
                break
        print(f"{len(held)} promotions, {sum(script.happened.values())} faults; {held[-1]}")
        assert not stage.kubelet.ends
    first, last = held[len(held) // 4 : len(held) // 2], held[-len(held) // 4 :]
    assert _middle(last, "memory") < 1.1 * _middle(first, "memory"), held
    assert _middle(last, "files") <= _middle(first, "files") + 8, held
    assert _middle(last, "threads") <= _middle(first, "threads") + 2, held


def _promoted(scene: Scene, arm: str, version: int) -> bool:
    stable = scene.status().stable
    done = stable is not None and (stable.arm, stable.version) == (arm, str(version))
    return done and scene.weights()[arm] == 100 and scene.status().phase == "Promoted"


def _middle(held: Sequence[Held], what: str) -> float:
    return float(statistics.median(getattr(one, what) for one in held))
