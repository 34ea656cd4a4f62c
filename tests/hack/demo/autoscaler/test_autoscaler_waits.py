"""Late is what took too long, failed or never came; requests of the peak are told apart."""

import json
from dataclasses import asdict
from pathlib import Path

from hack.cluster.traffic import Answer
from hack.demo.autoscaler.waits import LIMIT, Waits


def _line(clock: float, seconds: float, status: int = 200) -> str:
    answer = Answer(at=1e9 + clock, clock=clock, status=status, version="a", seconds=seconds)
    return json.dumps(asdict(answer)) + "\n"


def test_late_answers_are_counted_all_in_all_and_in_the_peak(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    lines = [
        _line(9.0, 0.4),
        _line(10.5, 0.4),
        _line(12.0, LIMIT + 0.1),
        _line(12.0, 0.1, status=503),
        _line(21.0, 10.0, status=0),
        _line(20.5, 0.4),
        _line(21.0, 0.9, status=404),
    ]
    file.write_text("".join(lines))
    waits = Waits(file, 10.0, 20.0)
    waits.read()
    waits.read()
    assert (waits.answers, waits.late) == (7, 3)
    assert (waits.peak_answers, waits.peak_late) == (4, 3)


def test_lately_is_of_the_last_five_seconds(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(_line(tenth / 10, 2.0 if tenth < 100 else 0.4) for tenth in range(120)))
    waits = Waits(file, 0.0, 0.0)
    assert waits.lately(0.0) == (0.0, 0.0)
    waits.read()
    assert waits.lately(11.95) == (0.6, 2.0)
    assert waits.lately(14.95) == (0.0, 0.4)
    assert waits.lately(30.0) == (0.0, 0.0)
