"""The command: python -m hack.rights. Holds a whole test run against the rights that are granted.

It is part of ``make test``; after a part of the tests, it says what that part did not use.
"""

import sys

from hack.rights import proof
from hack.rights.used import FOUND, Mode, read
from operators.kinds import RULES


def main() -> int:
    """Prints the rights with the number of tests that used each; 1 if anything is wrong."""
    found = read()
    if not found:
        sys.stderr.write(f"no test with an operator has left anything in {FOUND}: make test\n")
        return 1
    head = ("right", *(str(mode) for mode in Mode), "shown by")
    lines = [head, *proof.rows(found, RULES)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
    wrong = proof.faults(found, RULES)
    for one in wrong:
        sys.stderr.write(f"{one}\n")
    if not wrong:
        print(f"each of the {len(lines) - 1} was used, and nothing else")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
