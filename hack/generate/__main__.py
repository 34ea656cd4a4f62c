"""The command: python -m hack.generate [--check]."""

import argparse
import sys

from hack.generate import files


def main() -> int:
    """Writes what is stale, or with --check only names it; 1 when a check found something."""
    parser = argparse.ArgumentParser(prog="python -m hack.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    check = parser.parse_args().check
    wanted = files.render()
    stale = files.stale(wanted)
    for path in stale:
        sys.stderr.write(f"{path} {'is stale: run make generate' if check else 'written'}\n")
    if not check:
        files.write(wanted)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
