"""Prints docs/faults.md: python -m hack.faults > docs/faults.md."""

import sys

from hack.faults.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
