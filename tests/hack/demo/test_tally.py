"""Answers are counted once each, by version, while their file is still being written."""

import json
from dataclasses import asdict
from pathlib import Path

from hack.cluster.traffic import Answer
from hack.demo.tally import Tally


def _line(clock: float, version: str, status: int) -> str:
    answer = Answer(at=1e9 + clock, clock=clock, status=status, version=version, seconds=0.01)
    return json.dumps(asdict(answer)) + "\n"


def test_new_lines_are_counted_once_and_a_half_written_one_later(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    whole, half = _line(1.0, "1", 200), _line(2.0, "3", 500)
    file.write_text(whole + half[:20])
    tally = Tally(file)
    tally.read()
    tally.read()
    assert dict(tally.answers) == {"1": 1}
    file.write_text(whole + half)
    tally.read()
    assert dict(tally.answers) == {"1": 1, "3": 1}


def test_bad_are_server_errors_and_no_answer_and_the_first_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    answers = [(1.0, "3", 200), (2.0, "3", 500), (3.0, "3", 503), (4.0, "", 0), (5.0, "3", 404)]
    file.write_text("".join(_line(*answer) for answer in answers))
    tally = Tally(file)
    tally.read()
    assert dict(tally.bad) == {"3": 2, "": 1}
    assert tally.first_bad == {"3": 2.0, "": 4.0}


def test_rates_are_of_the_last_five_seconds(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    steady = [_line(second / 10, "1", 500 if second % 10 == 0 else 200) for second in range(200)]
    file.write_text("".join(steady))
    tally = Tally(file)
    tally.read()
    assert tally.rates("1", 19.95) == (10.0, 1.0)
    assert tally.rates("2", 19.95) == (0.0, 0.0)
    assert tally.rates("1", 40.0) == (0.0, 0.0)
