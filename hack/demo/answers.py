"""The answers of a running load, read from its file as it grows."""

import json
from pathlib import Path

from hack.cluster.traffic import Answer


class Answers:
    """Reads each line once, and a half written one when it is whole."""

    def __init__(self, file: Path) -> None:
        self._file, self._offset = file, 0

    def new(self) -> list[Answer]:
        """Those that were written since the last time."""
        found = []
        with self._file.open("rb") as lines:
            lines.seek(self._offset)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                found.append(Answer(**json.loads(line)))
        return found
