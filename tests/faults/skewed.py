"""``modelyard run`` with a clock that is wrong, by what a file beside its kubeconfig says."""

import os
import sys
from pathlib import Path

PLACES = ("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


def library() -> Path:
    """Where libfaketime is; FileNotFoundError says how to install it."""
    for place in PLACES:
        path = Path(place.format(os.uname().machine))
        if path.is_file():
            return path
    raise FileNotFoundError("libfaketime is missing: apt-get install faketime")


def clock_file(kubeconfig: Path) -> Path:
    """The file that says by how many seconds the clock is wrong: ``+300``."""
    return kubeconfig.with_suffix(".clock")


if __name__ == "__main__":
    given = Path(sys.argv[sys.argv.index("--kubeconfig") + 1])
    wrong = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock_file(given)),
        "FAKETIME_NO_CACHE": "1",
        # A monotonic clock does not jump on any machine; nor does it here.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "operators.cli", *sys.argv[1:]], os.environ | wrong
    )
