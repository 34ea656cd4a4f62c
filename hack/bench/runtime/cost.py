"""What a process has cost so far, as the kernel counts it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """CPU seconds of one process in some seconds of time."""

    cpu: float
    seconds: float

    @property
    def percent(self) -> float:
        """Of one core."""
        return 100.0 * self.cpu / self.seconds


def cpu(pid: int) -> float:
    """CPU seconds of a process and its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> tuple[float, float]:
    """Resident memory now and at its highest, in MiB."""
    found = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    now, highest = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, highest


class Meter:
    """Counts from its making on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu = cpu(pid)
        self._at = time.monotonic()

    def read(self) -> Spent:
        """What was spent since."""
        return Spent(cpu(self._pid) - self._cpu, time.monotonic() - self._at)
