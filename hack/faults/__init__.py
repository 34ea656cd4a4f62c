"""Faults on the wire, for tests and for the table in docs/faults.md."""
