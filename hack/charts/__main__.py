"""The command: python -m hack.charts [--check]; builds what charts take."""

import argparse
import sys

from hack.charts import install
from hack.cluster import binaries


def main() -> int:
    """Writes ``deploy/install.yaml``, or with --check only says that it is stale; 1 for that."""
    parser = argparse.ArgumentParser(prog="python -m hack.charts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    check = parser.parse_args().check
    try:
        binaries.ensure(("helm", "glua", "monitoring-crds"))
    except binaries.BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    text = install.render()
    if install.PATH.is_file() and install.PATH.read_text() == text:
        return 0
    if check:
        sys.stderr.write("deploy/install.yaml is stale: run make charts\n")
        return 1
    install.PATH.write_text(text)
    sys.stderr.write("deploy/install.yaml written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
